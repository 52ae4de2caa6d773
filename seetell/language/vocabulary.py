"""A captioner's vocabulary: words, or pieces of words, and their ids. Stored with the weights."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seetell.atomic_write import atomic_file
from seetell.errors import BundleError
from seetell.regular_file import read_json

END, START, UNK = 0, 1, 2
SPECIALS = ("<end>", "<start>", "<unk>")


@dataclass(frozen=True)
class Vocabulary:
    """Words and their ids; 0 ends a sentence, 1 starts it, 2 stands for any word out of the vocabulary.

    Attributes:
        words: every word in the order of its id, the three special ones first.
        min_count: number of occurrences a word needed to be included.
        pieces: whether they are pieces of text rather than words, each with the blank that may stand before it; a
            sentence is its pieces in a row. Only such a vocabulary may have a piece twice.
    """

    words: tuple[str, ...]
    min_count: int = 1
    pieces: bool = False

    def __post_init__(self) -> None:
        if self.words[: len(SPECIALS)] != SPECIALS:
            raise BundleError(f"vocabulary: expected to begin with {SPECIALS}, got {self.words[: len(SPECIALS)]}")
        if not self.pieces and len(set(self.words)) != len(self.words):
            twice = [word for word, count in Counter(self.words).items() if count > 1]
            raise BundleError(f"vocabulary: words must be unique, these are repeated: {twice[:5]}")

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], *, min_count: int = 5) -> Vocabulary:
        """Collect the frequent words, most frequent first, ties in alphabetical order.

        Args:
            sentences: tokenised captions.
            min_count: least number of occurrences of a word.
        """
        counts = Counter(token for tokens in sentences for token in tokens)
        kept = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
        return cls(SPECIALS + tuple(word for word in kept if word not in SPECIALS), min_count)

    def with_words(self, words: Iterable[str]) -> Vocabulary:
        """Return a vocabulary that has these words, too, behind its own."""
        return Vocabulary(tuple(dict.fromkeys((*self.words, *words))), self.min_count)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Return whether it is a word of the vocabulary, and not one of the special three."""
        return isinstance(word, str) and self._ids.get(word, UNK) > UNK

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the id of each token, ``UNK`` for those out of the vocabulary; no START or END is added."""
        return [self._ids.get(token, UNK) for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the words up to the first ``END``."""
        words = []
        for index in ids:
            if index == END:
                break
            words.append(self.words[index])
        return words

    def to_json(self) -> str:
        """Return the file content; the same words always give the same text."""
        content = {"min_count": self.min_count, **({"pieces": True} if self.pieces else {}), "words": self.words}
        return json.dumps(content, ensure_ascii=False, indent=0) + "\n"

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the file content, by which weights and their vocabulary are matched."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as JSON."""
        with atomic_file(Path(path)) as file:
            file.write(self.to_json().encode())

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read a vocabulary.

        Raises:
            BundleError: the file is missing or is not a vocabulary.
        """
        try:
            content = read_json(Path(path))
            words = tuple(content["words"])
            "".join(words).encode()  # text, without half of a surrogate pair
            return cls(words, int(content["min_count"]), bool(content.get("pieces", False)))
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            expected = '{"min_count": 5, "words": ["<end>", …]}'
            raise BundleError(f"{path}: not a vocabulary file ({error!r}); expected {expected}") from error


def detokenise(words: Iterable[str]) -> str:
    """Join the words of a sentence with spaces, rejoining what the tokenizer split off a word (``'s``, ``n't``)."""
    text = ""
    for word in words:
        attached = word.startswith("'") or word == "n't"
        text += word if attached or not text else f" {word}"
    return text
