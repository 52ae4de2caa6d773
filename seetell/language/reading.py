"""How a model reads a sentence that a user wrote: which words it knows, and which it reads as others or leaves out."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from seetell.errors import UsageError
from seetell.language.phrases import FUNCTION_WORDS
from seetell.language.similar_words import class_word, number_forms, similar_word
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary

_BRACKETS = re.compile(r"[()\[\]{}]|-[lr][rcs]b-", re.IGNORECASE)
"""As they are written, and as the tokeniser names them."""

ADVICE = 'describe what a photo shows in other English words, such as "a dog on a beach"'


@dataclass(frozen=True)
class Reading:
    """A sentence as a model reads it.

    Attributes:
        tokens: its words in lower case, cut to the model's maximum.
        known: whether each is read, as itself or as another word.
        words: what each is read as; an unknown word as itself.
        unknown_words: the content words that are left out.
        read_as: the content words that are read as others, and these.
        suggestion: a known word that is spelled like one that is left out, if none is known.
        text: the sentence as the user wrote it.
    """

    tokens: tuple[str, ...]
    known: tuple[bool, ...]
    words: tuple[str, ...]
    unknown_words: tuple[str, ...] = ()
    read_as: Mapping[str, str] = field(default_factory=dict)
    suggestion: str = ""
    text: str = ""

    @property
    def content_words(self) -> tuple[str, ...]:
        """The content words that are read, as the model knows them, each once."""
        read = (word for word, known in zip(self.words, self.known, strict=True) if known and _is_content(word))
        return tuple(dict.fromkeys(read))

    @property
    def note(self) -> str:
        """What the user should know of it; empty if every word is read as it is."""
        parts = []
        if self.unknown_words:
            parts.append(f"not known, left out: {', '.join(self.unknown_words)}")
        if self.read_as:
            parts.append(f"read as: {', '.join(f'{word} as {other}' for word, other in self.read_as.items())}")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON fields ``unknown_words`` and ``read_as``, those that are not empty."""
        fields = {"unknown_words": list(self.unknown_words), "read_as": dict(self.read_as)}
        return {name: value for name, value in fields.items() if value}

    def require_content(self) -> None:
        """Check that something is left to look for.

        Raises:
            UsageError: no content word is read.
        """
        if self.content_words:
            return
        if not self.unknown_words:
            raise UsageError(f"{self.text!r:.80} names nothing that a photo can show; {ADVICE}")
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        raise UsageError(f"not known: {', '.join(self.unknown_words)}{hint}; {ADVICE}")


def tokens_read(text: str) -> list[str]:
    """Return the tokens of a text that models of sentences read: those of coco-caption without brackets."""
    return tokenize(_BRACKETS.sub(" ", text))


def read_sentence(text: str, vocabulary: Vocabulary, *, max_words: int) -> Reading:
    """Read a sentence with the words that a model knows.

    A content word out of the vocabulary is read as another form of it or a similar word, see
    :func:`seetell.language.similar_words.similar_word`. Brackets are no words, nor is other punctuation.

    Args:
        text: of a user.
        vocabulary: the model's.
        max_words: words that the model reads; the rest is cut off.
    """
    tokens = tokens_read(text)[:max_words]
    read_as: dict[str, str] = {}
    unknown: dict[str, None] = {}
    for token in tokens:
        if token not in vocabulary and _is_content(token) and token not in read_as:
            other = similar_word(token, vocabulary)
            if other is None:
                unknown[token] = None
            else:
                read_as[token] = other
    words = [read_as.get(token, token) for token in tokens]
    known = [word in vocabulary for word in words]
    suggestion = ""
    if unknown and not any(map(_is_content, (word for word, is_known in zip(words, known, strict=True) if is_known))):
        suggestion = next(iter(get_close_matches(next(iter(unknown)), vocabulary.words, n=1, cutoff=0.8)), "")
    return Reading(tuple(tokens), tuple(known), tuple(words), tuple(unknown), read_as, suggestion, text)


def read_as_detected(reading: Reading, detected: Container[str]) -> Reading:
    """Read the words that name an object class as that class, where they are not detected in images but it is.

    A model may know *poodle* from captions, and yet have a detector for *dog* only.

    Args:
        reading: of a sentence.
        detected: the words that are detected in images, each in singular or plural or both.
    """
    read_as, words = dict(reading.read_as), list(reading.words)
    for place, (token, word) in enumerate(zip(reading.tokens, reading.words, strict=True)):
        if reading.known[place] and _is_content(word) and not any(form in detected for form in number_forms(word)):
            for other in class_word(word):
                if other in detected:
                    words[place] = read_as[token] = other
    return replace(reading, words=tuple(words), read_as=read_as)


def _is_content(token: str) -> bool:
    return token not in FUNCTION_WORDS and any(map(str.isalnum, token))
