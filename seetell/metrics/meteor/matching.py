"""The pairs of words and phrases that METEOR may align, from its four matchers.

Matches are listed by their place in the reference and there in the order that the search for the best alignment relies
on: equal words, words of one stem, synonyms, then paraphrases, first those that the table lists for the reference's
phrase, then those that it lists for the candidate's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from seetell.metrics.meteor.paraphrases import LONGEST, Paraphrases
from seetell.metrics.meteor.vocabulary import Vocabulary

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
    """A sentence as the matchers see it.

    Attributes:
        words: its normalised words.
        phrases: its runs of words that the table of paraphrases knows: start, length and the words; by start, then
            by length.
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
    """A candidate with what was found for the words and phrases of its references so far.

    Args:
        sentence: the candidate.
        vocabulary: of all words.
        paraphrases: for each phrase, those of it.
    """

    def __init__(self, sentence: Sentence, vocabulary: Vocabulary, paraphrases: Paraphrases) -> None:
        self.words = sentence.words
        self._phrases = sentence.phrases
        self._vocabulary = vocabulary
        self._paraphrases = paraphrases
        self._places: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            self._places.setdefault(word, []).append(place)
        self._word_matches: dict[str, list[tuple[int, int]]] = {}
        self._phrase_matches: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int, int]]]] = {}

    @cached_property
    def _phrase_places(self) -> dict[str, list[tuple[int, int]]]:
        """Start and length of each phrase."""
        places: dict[str, list[tuple[int, int]]] = {}
        for start, length, phrase in self._phrases:
            places.setdefault(phrase, []).append((start, length))
        return places

    def matches(self, reference: Sentence) -> list[list[Match]]:
        """Return the matches that begin at each word of a reference."""
        if reference.words == self.words:  # then nothing but equal words counts
            return [
                [Match(at, 1, place, 1, EXACT) for place in self._places[word]] for at, word in enumerate(self.words)
            ]
        matches = []
        for at, word in enumerate(reference.words):
            found = self._word_matches.get(word)
            if found is None:
                found = self._word_matches[word] = self._match_word(word)
            matches.append([Match(at, 1, place, 1, matcher) for place, matcher in found])
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
        """Return place and matcher of the words of the candidate that go with one of the reference."""
        found = [(place, EXACT) for place in self._places.get(word, ())]
        pairs = ((STEM, self._vocabulary.same_stem), (SYNONYM, self._vocabulary.synonyms))
        for matcher, others in pairs:
            here = others.get(word, frozenset()) & self._places.keys()
            found += [(place, matcher) for place in sorted(place for other in here for place in self._places[other])]
        return found

    def _match_phrase(self, phrase: str) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
        """Find the paraphrases of a reference's phrase.

        Returns:
            Start and length of the phrases that the table lists for this one, in its order; start and length of those
            for which it lists this one, with the rank it has there.
        """
        places = self._phrase_places
        ranks = self._paraphrases[phrase]
        listed = sorted(ranks.keys() & places.keys(), key=ranks.__getitem__)
        listing = [
            (start, length, rank)
            for other, of_other in places.items()
            if (rank := self._paraphrases[other].get(phrase)) is not None
            for start, length in of_other
        ]
        return [place for other in listed for place in places[other]], listing
