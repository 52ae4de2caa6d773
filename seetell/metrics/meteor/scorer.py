"""METEOR of captions: align every candidate with each of its references and keep the best score.

The score is that of Denkowski & Lavie 2014, "Meteor Universal". With weights w_i of the matchers and δ of content words
against function words, the matched words of candidate and reference weigh Σ w_i (δ content_i + (1 - δ) function_i);
divided by the weight of all words they are the precision P and the recall R. Then F = P R / (α P + (1 - α) R), the
penalty is γ (chunks / matched words)^β, with the mean number of matched words of both sides, and the score is
F (1 - penalty).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from seetell.errors import UsageError
from seetell.extras import missing_module
from seetell.metrics.meteor.alignment import Alignment, align
from seetell.metrics.meteor.data import MeteorFiles
from seetell.metrics.meteor.matching import Candidate, Sentence, read_paraphrases
from seetell.metrics.meteor.words import Normaliser, Synonyms, Vocabulary
from seetell.metrics.ngrams import Floats, Tokens, check_photos

_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = (1.0, 0.6, 0.8, 0.6)
"""Weights of equal words, stems, synonyms and paraphrases."""

MATCHERS = len(_WEIGHTS)
SIDE = 2 + 2 * MATCHERS
"""Number of statistics of a candidate or reference: words, function words, matched content words by matcher, matched
function words by matcher."""


@dataclass(frozen=True)
class MeteorScores:
    """METEOR of ``P`` photos, from 0 to 1.

    Attributes:
        statistics: ``(P, 21)``, for each photo with its best reference the statistics of the candidate and of the
            reference, then the chunks of their alignment, 0 if it is one chunk of all words.
    """

    statistics: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Coco-caption's name, as the only one."""
        return ("METEOR",)

    @property
    def corpus(self) -> float:
        """The corpus score; not the mean of the photos' scores."""
        return float(self.combine(self.statistics.sum(axis=0, keepdims=True))[0, 0])

    @property
    def per_photo(self) -> Floats:
        """The score of each photo, ``(P,)``."""
        return meteor_of(self.statistics)

    def combine(self, sums: Floats) -> Floats:
        """Return the scores of sets of photos, ``(sets, 1)``.

        Args:
            sums: the statistics summed over the photos of each set, ``(sets, 21)``.
        """
        return meteor_of(sums)[:, None]


def meteor_of(statistics: Floats) -> Floats:
    """Return METEOR from statistics of a pair of sentences, or of their sums.

    Args:
        statistics: see ``MeteorScores``, ``(N, 21)``.

    Returns:
        From 0 to 1, ``(N,)``; 0 where nothing matched or a sentence is empty.
    """
    candidate, reference, chunks = statistics[:, :SIDE], statistics[:, SIDE : 2 * SIDE], statistics[:, 2 * SIDE]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = _matched_share(candidate), _matched_share(reference)
        mean = 1.0 / ((1.0 - _ALPHA) / precision + _ALPHA / recall)
        fragmentation = chunks / ((candidate[:, 2:].sum(axis=1) + reference[:, 2:].sum(axis=1)) / 2.0)
        scores: Floats = mean * (1.0 - _GAMMA * fragmentation**_BETA)
    scores[np.isnan(scores)] = 0.0
    return scores


def _matched_share(side: Floats) -> Floats:
    """Return the weight of matched words over that of all words, ``(N,)``."""
    weight = np.zeros(len(side))
    for first, of_words in ((2, _DELTA), (2 + MATCHERS, 1.0 - _DELTA)):
        for matcher, of_matcher in enumerate(_WEIGHTS):
            weight += side[:, first + matcher] * of_matcher * of_words
    words, function_words = side[:, 0], side[:, 1]
    share: Floats = weight / (_DELTA * (words - function_words) + (1.0 - _DELTA) * function_words)
    return share


class Meteor:
    """Scores captions with METEOR 1.5 for English, as coco-caption runs it.

    Args:
        data: folder with ``meteor-1.5.jar`` and ``data/paraphrase-en.gz``; by default that of the installed package
            pycocoevalcap.

    Raises:
        DataError: METEOR's files are damaged.
        UsageError: the extra ``seetell[meteor]`` is not installed.
    """

    def __init__(self, data: Path | None = None) -> None:
        self._files = MeteorFiles.find(data)
        self._normaliser = Normaliser.from_lines(self._files.lines("nonbreaking/english.prefixes"))
        self._function_words = frozenset(self._files.lines("function/english.words"))
        self._synonyms = Synonyms(
            self._files.lines("synonym/english.synsets"), self._files.lines("synonym/english.exceptions")
        )
        try:
            # Not snowballstemmer.stemmer: that uses PyStemmer if it is installed, in any version.
            from snowballstemmer.english_stemmer import EnglishStemmer
        except ImportError as error:
            raise UsageError(missing_module("METEOR", "snowballstemmer")) from error
        self._stem = EnglishStemmer().stemWord

    def score(self, references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens]) -> MeteorScores:
        """Score candidates against references.

        The paraphrase table is read once per call: score all photos at once.

        Args:
            references: the tokenised references of each photo, at least one.
            candidates: the tokenised candidate of each photo; may be empty.

        Raises:
            DataError: the two differ in length, a photo has no reference, or the table cannot be read.
        """
        check_photos(references, candidates)
        candidate_words = [self._normaliser.words(tokens) for tokens in candidates]
        reference_words = [[self._normaliser.words(tokens) for tokens in sentences] for sentences in references]
        paraphrases = read_paraphrases(self._files.paraphrases, chain(candidate_words, *reference_words))
        distinct = dict.fromkeys(chain.from_iterable(chain(candidate_words, *reference_words)))
        vocabulary = Vocabulary.of(distinct, stem=self._stem, meanings=self._synonyms.meanings)
        rows: list[list[int]] = []
        for words, sentences in zip(candidate_words, reference_words, strict=True):
            candidate = Candidate(Sentence.of(words, paraphrases), vocabulary, paraphrases)
            for sentence in sentences:
                reference = Sentence.of(sentence, paraphrases)
                alignment = align(candidate.matches(reference), len(words))
                rows.append(self._count(words, sentence, alignment))
        return MeteorScores(_best(np.array(rows, np.float64), [len(sentences) for sentences in references]))

    def _count(self, candidate: Sequence[str], reference: Sequence[str], alignment: Alignment) -> list[int]:
        """Return the statistics of a pair of sentences, ``(21,)``."""
        in_candidate = [word in self._function_words for word in candidate]
        in_reference = [word in self._function_words for word in reference]
        counts = [0] * (2 * SIDE + 1)
        counts[0], counts[1] = len(candidate), sum(in_candidate)
        counts[SIDE], counts[SIDE + 1] = len(reference), sum(in_reference)
        for start, length, candidate_start, candidate_length, matcher in alignment.matches:
            for function_word in in_candidate[candidate_start : candidate_start + candidate_length]:
                counts[2 + matcher + MATCHERS * function_word] += 1
            for function_word in in_reference[start : start + length]:
                counts[SIDE + 2 + matcher + MATCHERS * function_word] += 1
        matched = sum(counts[2:SIDE]), sum(counts[SIDE + 2 :])
        whole = alignment.chunks == 1 and matched == (len(candidate), len(reference))
        counts[-1] = 0 if whole else alignment.chunks
        return counts


def _best(statistics: Floats, references: Sequence[int]) -> Floats:
    """Return the row with the highest score of each photo, the first on a tie, ``(P, 21)``.

    Args:
        statistics: one row per reference, photo by photo, ``(sum of references, 21)``.
        references: number of references of each photo, ``(P,)``.
    """
    scores = meteor_of(statistics)
    photos = np.repeat(np.arange(len(references)), references)
    order = np.lexsort((-scores, photos))  # stable: ties keep their order
    best: Floats = statistics[order[np.cumsum([0, *references[:-1]])]]
    return best
