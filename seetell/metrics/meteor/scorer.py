"""METEOR of photos' captions: reads the data once, aligns every candidate with every reference, keeps the best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.metrics.meteor.alignment import Alignment, align
from seetell.metrics.meteor.data import INSTALL, MeteorFiles
from seetell.metrics.meteor.matching import Candidate, Sentence
from seetell.metrics.meteor.normalisation import Normaliser
from seetell.metrics.meteor.paraphrases import read_paraphrases
from seetell.metrics.meteor.statistics import MATCHERS, SIDE, MeteorScores, meteor_of
from seetell.metrics.meteor.synonyms import Synonyms
from seetell.metrics.meteor.vocabulary import Vocabulary
from seetell.metrics.ngrams import Floats, Tokens, check_photos


class Meteor:
    """Scores captions with METEOR 1.5 for English, as coco-caption runs it.

    Args:
        data: folder that holds ``meteor-1.5.jar`` and ``data/paraphrase-en.gz``; that of the installed package
            pycocoevalcap when absent.

    Raises:
        DataError: the extra ``seetell[meteor]`` is not installed, or its files are damaged.
    """

    def __init__(self, data: Path | None = None) -> None:
        self._files = MeteorFiles.find(data)
        self._normaliser = Normaliser.from_lines(self._files.lines("nonbreaking/english.prefixes"))
        self._function_words = frozenset(self._files.lines("function/english.words"))
        self._synonyms = Synonyms(
            self._files.lines("synonym/english.synsets"), self._files.lines("synonym/english.exceptions")
        )
        try:
            # Not snowballstemmer.stemmer: that takes PyStemmer where it is installed, whose version is not ours to say.
            from snowballstemmer.english_stemmer import EnglishStemmer
        except ImportError as error:
            raise DataError(f"METEOR needs the package snowballstemmer, which is absent; {INSTALL}") from error
        self._stem = EnglishStemmer().stemWord

    def score(self, references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens]) -> MeteorScores:
        """Score candidates against references.

        The table of paraphrases is gone through once a call: give all photos at once.

        Args:
            references: the tokenised references of each photo, at least one.
            candidates: the tokenised candidate of each photo; may be empty.

        Raises:
            DataError: the two do not agree in length, a photo has no reference, or the table cannot be read.
        """
        check_photos(references, candidates)
        said = [self._normaliser.words(tokens) for tokens in candidates]
        people = [[self._normaliser.words(tokens) for tokens in sentences] for sentences in references]
        paraphrases = read_paraphrases(self._files.paraphrases, chain(said, *people))
        words = dict.fromkeys(chain.from_iterable(chain(said, *people)))
        vocabulary = Vocabulary.of(words, stem=self._stem, meanings=self._synonyms.meanings)
        rows: list[list[int]] = []
        for words_said, sentences in zip(said, people, strict=True):
            candidate = Candidate(Sentence.of(words_said, paraphrases), vocabulary, paraphrases)
            for sentence in sentences:
                reference = Sentence.of(sentence, paraphrases)
                alignment = align(candidate.matches(reference), len(words_said))
                rows.append(self._count(words_said, sentence, alignment))
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
    """Return the row of each photo that scores best, the first of equal ones, ``(P, 21)``.

    Args:
        statistics: one row a reference, photo by photo, ``(sum of references, 21)``.
        references: how many each photo has, ``(P,)``.
    """
    scores = meteor_of(statistics)
    photos = np.repeat(np.arange(len(references)), references)
    order = np.lexsort((-scores, photos))  # stable, so that the first of equal ones stays so
    best: Floats = statistics[order[np.cumsum([0, *references[:-1]])]]
    return best
