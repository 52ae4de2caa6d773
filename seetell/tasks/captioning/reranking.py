"""Of the sentences of a beam, the one that fits the image best, all things considered.

A captioner tells how probable a sentence is after an image, an aligner how well image and sentence fit, and the tags of
the image how likely it is that all that the sentence names is there; they err in different ways. As in Fang et al.,
"From Captions to Visual Concepts and Back" (CVPR 2015), section 6, a sentence is chosen by a weighted sum: its score in
the beam, the aligner's score, the logarithms of the probabilities that :mod:`seetell.tasks.captioning.confidence`
multiplies, of the object classes and of the other things, and its length. Weights are measured by
``scripts/everyday/fit_reranking.py``.

The aligner is another bundle, which shares its graphs ``image_embedding`` and ``sentence_embedding``, and is made for
the features of the captioner's encoder and tagger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from seetell.language.decoding import Hypothesis
from seetell.language.similar_words import similar_word
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import numbers, refuse_unknown
from seetell.runtime.tags import ImageTagger
from seetell.tasks.captioning.confidence import Calibration, by_name, evidence
from seetell.tasks.retrieval.embeddings import embed_features, embed_tokens, scores_of

Choose = Callable[[Sequence[Sequence[Hypothesis]], Mapping[str, np.ndarray]], list[Hypothesis]]
"""Takes for each of ``B`` images its sentences, the highest score first, and what is known of the images, arrays
``(B, …)`` by name; returns a sentence for each."""


def most_probable(ranked: Sequence[Sequence[Hypothesis]], features: Mapping[str, np.ndarray]) -> list[Hypothesis]:
    """Choose the sentence of the highest score for each image."""
    return [sentences[0] for sentences in ranked]


@dataclass(frozen=True)
class Weights:
    """What counts how much beside a sentence's score in the beam.

    Attributes:
        aligner: of the aligner's score.
        objects: of the logarithm of the probability that all object classes it names are there.
        things: of that of the other things it names.
        length: of the number of its words: means of log-probabilities, and aligners that add up words, favour many.
    """

    aligner: float
    objects: float
    things: float
    length: float = 0.0

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Weights:
        """Return the weights of a bundle's setting ``reranking``.

        Raises:
            KeyError: one other than ``length`` is absent.
            TypeError: one is no number.
            ValueError: one is unknown.
        """
        given, names = {"length": 0.0, **content}, [field.name for field in fields(cls)]
        refuse_unknown("weight", given, names)
        return cls(**numbers(given, names))


class Reranker:
    """Chooses sentences by their score, an aligner's, how likely their things are, and their length.

    Attributes:
        weights: of the terms.

    Args:
        bundle: a captioner with the settings ``reranking``, see :class:`Weights`, and ``confidence``.
        tagger: the captioner's.
        threads: processor threads to compute with.

    Raises:
        BundleError: a graph is damaged, the aligner has no vocabulary, or a setting is not as expected.
    """

    def __init__(self, bundle: Bundle, tagger: ImageTagger, *, threads: int) -> None:
        self.weights = bundle.setting("reranking", Weights.from_dict)
        self._calibration = bundle.setting("confidence", Calibration.from_dict)
        self._objects, self._words = tagger.objects, tagger.words
        self._vocabulary = bundle.require_vocabulary()
        self._aligner = bundle.owner("sentence_embedding").require_vocabulary()
        self._images = Graph.open(bundle, "image_embedding", threads=threads)
        self._sentences = Graph.open(bundle, "sentence_embedding", threads=threads)
        self._read = cache(self._read_word)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what the aligner reads of an image: ``pooled``, perhaps ``grid``, perhaps tags."""
        return self._images.inputs

    def __call__(self, ranked: Sequence[Sequence[Hypothesis]], features: Mapping[str, np.ndarray]) -> list[Hypothesis]:
        """Choose a sentence for each image.

        Args:
            ranked: for each of ``B`` images its sentences, the highest score first.
            features: see :meth:`terms`.
        """
        if all(len(sentences) == 1 for sentences in ranked):
            return most_probable(ranked, features)
        weights = 1.0, *astuple(self.weights)
        best = [int(np.argmax(terms @ weights)) for terms in self.terms(ranked, features)]
        return [sentences[place] for sentences, place in zip(ranked, best, strict=True)]

    def terms(
        self, ranked: Sequence[Sequence[Hypothesis]], features: Mapping[str, np.ndarray]
    ) -> list[npt.NDArray[np.float64]]:
        """Return what is weighed of each sentence.

        Args:
            ranked: for each of ``B`` images its ``K`` sentences, the highest score first.
            features: ``presence`` ``(B, O)`` and ``words`` ``(B, W)`` of the tagger, and what the aligner reads.

        Returns:
            For each image ``(K, 5)``: score in the beam, score of the aligner, the logarithms of the probabilities of
            the object classes and of the other things, and number of words.
        """
        texts = [[tuple(self._vocabulary.decode(sentence.tokens)) for sentence in sentences] for sentences in ranked]
        distinct = {text: place for place, text in enumerate(dict.fromkeys(chain.from_iterable(texts)))}
        tokens = [self._aligner.encode(map(self._read, text)) for text in distinct]
        numbers = [[distinct[text] for text in own] for own in texts]
        fits = scores_of(embed_features(self._images, features), embed_tokens(self._sentences, tokens), numbers)
        presence, words = by_name(self._objects, features["presence"]), by_name(self._words, features["words"])
        rows = zip(ranked, texts, fits, presence, words, strict=True)
        return [
            np.array(
                [
                    (sentence.score, each, *likely, len(text))
                    for sentence, text, each, likely in zip(
                        sentences, own, fit, self._likely(sentences[0], own, *tags), strict=True
                    )
                ]
            )
            for sentences, own, fit, *tags in rows
        ]

    def _likely(
        self,
        first: Hypothesis,
        texts: Sequence[Sequence[str]],
        presence: Mapping[str, float],
        words: Mapping[str, float],
    ) -> list[tuple[float, float]]:
        """Return the logarithms of the probabilities of what each sentence names, by the tags of the image alone.

        For the captioner, all count as equally probable, as the first one: how probable they are is weighed already.
        """
        mean = max(first.mean_logprob, -30.0)
        found = (evidence(text, mean, presence, words, self._calibration.words) for text in texts)
        objects_and_things = map(self._calibration.parts, found)
        return [(math.log(objects), math.log(things)) for objects, things in objects_and_things]

    def _read_word(self, word: str) -> str:
        """Return a word as the aligner reads it: as itself, or as a similar word that it knows."""
        return word if word in self._aligner else similar_word(word, self._aligner) or word
