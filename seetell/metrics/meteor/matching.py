"""The pairs of words and phrases that METEOR may align, from its four matchers.

Matches are listed by their position in the reference, and there in the order that the alignment search relies on: equal
words, words with the same stem, synonyms, then paraphrases of one to seven words, first those that the table lists for
the reference's phrase, then those that it lists for the candidate's.

The table has five million entries, few of which matter to given sentences. It is streamed, and an entry is kept if both
its phrases occur in the sentences.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from seetell.errors import DataError
from seetell.metrics.meteor.words import Vocabulary

LONGEST = 7
"""Number of words in the longest phrase of the table."""

_CHUNK = 1 << 20  # bytes

Paraphrases = dict[str, dict[str, int]]
"""For each phrase its paraphrases with their rank in the table; empty for one that only is a paraphrase."""


def read_paraphrases(file: Path, sentences: Iterable[Sequence[str]]) -> Paraphrases:
    """Read the entries of the table whose phrases occur in sentences.

    Args:
        file: gzip file with three lines per entry: probability, phrase, paraphrase; words separated by single spaces.
        sentences: the words of each sentence.

    Raises:
        DataError: the file cannot be read.
    """
    phrases = _phrases(sentences)
    found: list[tuple[bytes, bytes]] = []
    rest = b""
    try:
        with gzip.open(file) as table:
            while chunk := table.read(_CHUNK):
                lines = (rest + chunk).split(b"\n")
                whole = (len(lines) - 1) // 3 * 3
                entries = zip(lines[1:whole:3], lines[2:whole:3], strict=True)
                found += [entry for entry in entries if entry[0] in phrases and entry[1] in phrases]
                rest = b"\n".join(lines[whole:])
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"METEOR's paraphrase table {file} cannot be read: {error}; reinstall it with: "
            "pip install --force-reinstall pycocoevalcap"
        ) from error
    paraphrases: Paraphrases = {}
    for phrase, other in found:
        ranks = paraphrases.setdefault(phrase.decode(), {})
        ranks[other.decode()] = len(ranks)
        paraphrases.setdefault(other.decode(), {})
    return paraphrases


def _phrases(sentences: Iterable[Sequence[str]]) -> set[bytes]:
    """Return every run of at most ``LONGEST`` words, encoded as in the table."""
    phrases: set[bytes] = set()
    for sentence in sentences:
        words = [word.encode() for word in sentence]
        phrases.update(words)
        for length in range(2, LONGEST + 1):
            for end in range(length, len(words) + 1):
                phrases.add(b" ".join(words[end - length : end]))
    return phrases


EXACT, STEM, SYNONYM, PARAPHRASE = range(4)


class Match(NamedTuple):
    """A run of words in the reference paired with one in the candidate."""

    start: int
    length: int
    candidate_start: int
    candidate_length: int
    matcher: int


@dataclass(frozen=True)
class Sentence:
    """A sentence with its phrases.

    Attributes:
        words: its normalised words.
        phrases: start, length and words of its phrases in the paraphrase table; by start, then by length.
    """

    words: tuple[str, ...]
    phrases: tuple[tuple[int, int, str], ...]

    @classmethod
    def of(cls, words: tuple[str, ...], paraphrases: Paraphrases) -> Sentence:
        """Look up the phrases of a sentence."""
        phrases = []
        for start in range(len(words)):
            phrase = ""
            for length in range(1, min(LONGEST, len(words) - start) + 1):
                phrase = f"{phrase} {words[start + length - 1]}" if phrase else words[start]
                if phrase in paraphrases:
                    phrases.append((start, length, phrase))
        return cls(words, tuple(phrases))


class Candidate:
    """A candidate, which caches the matches of the words and phrases of its references.

    Args:
        sentence: the candidate.
        vocabulary: stems and synonyms of all words.
        paraphrases: paraphrases of each phrase.
    """

    def __init__(self, sentence: Sentence, vocabulary: Vocabulary, paraphrases: Paraphrases) -> None:
        self.words = sentence.words
        self._phrases = sentence.phrases
        self._vocabulary = vocabulary
        self._paraphrases = paraphrases
        self._positions: dict[str, list[int]] = {}
        for position, word in enumerate(self.words):
            self._positions.setdefault(word, []).append(position)
        self._word_matches: dict[str, list[tuple[int, int]]] = {}
        self._phrase_matches: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int, int]]]] = {}

    @cached_property
    def _phrase_positions(self) -> dict[str, list[tuple[int, int]]]:
        """Start and length of each phrase."""
        positions: dict[str, list[tuple[int, int]]] = {}
        for start, length, phrase in self._phrases:
            positions.setdefault(phrase, []).append((start, length))
        return positions

    def matches(self, reference: Sentence) -> list[list[Match]]:
        """Return the matches that start at each word of a reference."""
        if reference.words == self.words:  # then only equal words count
            return [
                [Match(at, 1, position, 1, EXACT) for position in self._positions[word]]
                for at, word in enumerate(self.words)
            ]
        matches = []
        for at, word in enumerate(reference.words):
            found = self._word_matches.get(word)
            if found is None:
                found = self._word_matches[word] = self._match_word(word)
            matches.append([Match(at, 1, position, 1, matcher) for position, matcher in found])
        of_candidate: list[list[tuple[int, int, int, int]]] = [[] for _ in reference.words]
        for at, length, phrase in reference.phrases:
            pair = self._phrase_matches.get(phrase)
            if pair is None:
                pair = self._phrase_matches[phrase] = self._match_phrase(phrase)
            matches[at] += [Match(at, length, start, size, PARAPHRASE) for start, size in pair[0]]
            of_candidate[at] += [(start, size, rank, length) for start, size, rank in pair[1]]
        for at, found_there in enumerate(of_candidate):
            found_there.sort()
            matches[at] += [Match(at, length, start, size, PARAPHRASE) for start, size, _, length in found_there]
        return matches

    def _match_word(self, word: str) -> list[tuple[int, int]]:
        """Return position and matcher of the candidate's words that match a word of a reference."""
        found = [(position, EXACT) for position in self._positions.get(word, ())]
        pairs = ((STEM, self._vocabulary.same_stem), (SYNONYM, self._vocabulary.synonyms))
        for matcher, others in pairs:
            here = others.get(word, frozenset()) & self._positions.keys()
            found += [(position, matcher) for position in sorted(p for other in here for p in self._positions[other])]
        return found

    def _match_phrase(self, phrase: str) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
        """Find the paraphrases of a reference's phrase.

        Returns:
            Start and length of the phrases that the table lists for this one, in its order; start, length and rank of
            those for which it lists this one.
        """
        positions = self._phrase_positions
        ranks = self._paraphrases[phrase]
        listed = sorted(ranks.keys() & positions.keys(), key=ranks.__getitem__)
        listing = [
            (start, length, rank)
            for other, of_other in positions.items()
            if (rank := self._paraphrases[other].get(phrase)) is not None
            for start, length in of_other
        ]
        return [position for other in listed for position in positions[other]], listing
