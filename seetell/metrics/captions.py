"""All caption metrics of a set of captions at once, from plain sentences.

A metric's corpus score is a function of statistics summed over photos: for BLEU, counts of n-grams and words; for a
mean, the values and their number. Any set of photos can so be scored without counting again, and resampling photos, for
intervals and tests, is a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from seetell.errors import DataError, UsageError, unknown
from seetell.language.tokenizer import tokenize
from seetell.metrics.bleu import bleu_of
from seetell.metrics.chair import chair
from seetell.metrics.cider import cider_of, plain_cider_of
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.metrics.ngrams import Floats, NGrams, Tokens, count_ngrams
from seetell.metrics.rouge import rouge


class AdditiveMetric(Protocol):
    """Scores of ``P`` photos by one metric, or by ``N`` that share their counts.

    Attributes:
        names: names of the ``N`` scores.
        statistics: statistics of each photo, ``(P, S)``.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def statistics(self) -> Floats: ...

    def combine(self, sums: Floats) -> Floats:
        """Return the scores of sets of photos.

        Args:
            sums: the statistics summed over the photos of each set, ``(sets, S)``.

        Returns:
            The scores of each set, ``(sets, N)``.
        """
        ...


@dataclass(frozen=True)
class MeanScores:
    """A metric whose corpus score is the mean of its photos' scores.

    Attributes:
        name: name of the score.
        per_photo: score of each photo, ``(P,)``.
    """

    name: str
    per_photo: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """The name, as the only one."""
        return (self.name,)

    @property
    def statistics(self) -> Floats:
        """Each photo's score, and 1 for the photo itself, ``(P, 2)``."""
        return np.column_stack([self.per_photo, np.ones(len(self.per_photo))])

    def combine(self, sums: Floats) -> Floats:
        """Return the mean score of sets of photos, ``(sets, 1)``."""
        return sums[:, :1] / sums[:, 1:]


NAMES = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")
"""The default metrics, by coco-caption's names: all that need only the sentences."""

ALL = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "METEOR", "ROUGE_L", "CIDEr", "CIDEr_plain", "CHAIRs", "CHAIRi")
"""All metrics. ``METEOR`` needs the extra ``seetell[meteor]``."""

LOWER_IS_BETTER = frozenset({"CHAIRs", "CHAIRi"})
"""The metrics that count errors."""

PhotoId = TypeVar("PhotoId", bound=Hashable)


@dataclass(frozen=True)
class Scores:
    """Scores by coco-caption's names, from 0 to 1; ``CIDEr`` and ``CIDEr_plain`` from 0 to 10; CHAIR is better if low.

    Attributes:
        corpus: corpus scores.
        per_photo: scores of each photo by its id. Corpus BLEU, METEOR and CHAIRi are not the means of these.
        additive: the metrics with their statistics, in the order of ``per_photo``; for intervals and tests.
    """

    corpus: dict[str, float]
    per_photo: dict[Hashable, dict[str, float]]
    additive: tuple[AdditiveMetric, ...] = field(repr=False, compare=False)

    @classmethod
    def of(
        cls, photos: Iterable[Hashable], additive: Sequence[AdditiveMetric], metrics: Sequence[str] | None = None
    ) -> Scores:
        """Compute the scores of metrics.

        Args:
            photos: their ids, in the order of the metrics' statistics.
            additive: the metrics, also your own.
            metrics: names of the scores to return, in this order; all by default.
        """
        names = [name for metric in additive for name in metric.names] if metrics is None else metrics
        corpus: dict[str, float] = {}
        columns: dict[str, list[float]] = {}
        for metric in additive:
            statistics = metric.statistics
            together = metric.combine(statistics.sum(axis=0, keepdims=True))[0]
            corpus.update(zip(metric.names, together.tolist(), strict=True))
            columns.update(zip(metric.names, metric.combine(statistics).T.tolist(), strict=True))
        rows = zip(*(columns[name] for name in names), strict=True)
        return cls(
            corpus={name: corpus[name] for name in names},
            per_photo={photo: dict(zip(names, row, strict=True)) for photo, row in zip(photos, rows, strict=True)},
            additive=tuple(additive),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"corpus": self.corpus, "per_photo": {str(photo): row for photo, row in self.per_photo.items()}}


@dataclass(frozen=True)
class _Photos:
    """Tokens of references and candidates; their n-grams are counted on first use."""

    references: Sequence[Sequence[Tokens]]
    candidates: Sequence[Tokens]
    frequencies: DocumentFrequencies | None

    @cached_property
    def ngrams(self) -> NGrams:
        return count_ngrams(self.references, self.candidates)


def _meteor(photos: _Photos) -> AdditiveMetric:
    from seetell.metrics.meteor import Meteor

    return Meteor().score(photos.references, photos.candidates)


_METRICS: tuple[tuple[frozenset[str], Callable[[_Photos], AdditiveMetric]], ...] = (
    (frozenset({"Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4"}), lambda photos: bleu_of(photos.ngrams)),
    (frozenset({"METEOR"}), _meteor),
    (frozenset({"ROUGE_L"}), lambda photos: MeanScores("ROUGE_L", rouge(photos.references, photos.candidates))),
    (frozenset({"CIDEr"}), lambda photos: MeanScores("CIDEr", cider_of(photos.ngrams, frequencies=photos.frequencies))),
    (
        frozenset({"CIDEr_plain"}),
        lambda photos: MeanScores("CIDEr_plain", plain_cider_of(photos.ngrams, frequencies=photos.frequencies)),
    ),
    (LOWER_IS_BETTER, lambda photos: chair(photos.references, photos.candidates)),
)


def check_metrics(metrics: Sequence[str]) -> None:
    """Check that metrics can be computed, before any work.

    Raises:
        DataError: METEOR's package lacks a file.
        UsageError: one is unknown or needs an extra that is not installed, or there is none.
    """
    for name in metrics:
        if name not in ALL:
            raise UsageError(unknown("metric", name, ALL))
    if not metrics:
        raise UsageError(f"expected at least one metric, got none; known: {', '.join(ALL)}")
    if "METEOR" in metrics:
        from seetell.metrics.meteor.data import MeteorFiles

        MeteorFiles.find()


def score_captions(
    references: Mapping[PhotoId, Sequence[str]],
    candidates: Mapping[PhotoId, str],
    *,
    metrics: Sequence[str] = NAMES,
    frequencies: DocumentFrequencies | None = None,
) -> Scores:
    """Score one caption per photo against its reference captions.

    Args:
        references: reference captions by photo, at least one each.
        candidates: the caption of each of the same photos; may be empty.
        metrics: names from ``ALL``, in the order of the scores.
        frequencies: document frequencies of another corpus for CIDEr; those of ``references`` by default.

    Raises:
        DataError: there is no photo, the photos differ, or one has no reference.
        UsageError: a metric is unknown or not installed, or there is none.

    Example:
        >>> scores = score_captions({1: ["A dog runs."], 2: ["A cat."]}, {1: "a dog runs", 2: "a cat"})
        >>> round(scores.corpus["Bleu_1"], 6)
        1.0
    """
    check_metrics(metrics)
    without_candidate = [photo for photo in references if photo not in candidates]
    without_reference = [photo for photo in candidates if not references.get(photo)]
    for missing, lacking in ((without_candidate, "candidate"), (without_reference, "reference")):
        if missing:
            raise DataError(
                f"expected a {lacking} for each photo; {len(missing)} have none, such as {missing[:3]}; "
                "score the same photos on both sides"
            )
    photos = _Photos(
        [[tokenize(sentence) for sentence in references[photo]] for photo in candidates],
        [tokenize(sentence) for sentence in candidates.values()],
        frequencies,
    )
    additive = [compute(photos) for names, compute in _METRICS if not names.isdisjoint(metrics)]
    return Scores.of(candidates, additive, metrics)
