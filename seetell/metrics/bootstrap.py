"""Confidence intervals of corpus scores by the bootstrap (Efron 1979; Koehn 2004 for scores of sentences).

Photos are resampled with replacement, as many as there are, and the resulting corpus is scored, many times. The middle
95% of those scores are the interval (the percentile method). BLEU and METEOR are recomputed from the summed statistics
of the sampled photos. CIDEr's document frequencies remain those of all photos: they are part of the metric, not of the
sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import UsageError
from seetell.metrics.additive import AdditiveMetric
from seetell.metrics.captions import Scores
from seetell.metrics.ngrams import Floats

_BLOCK = 1 << 22  # samples at a time, to bound the memory


@dataclass(frozen=True)
class Interval:
    """A confidence interval from ``low`` to ``high``."""

    low: float
    high: float


def confidence_intervals(
    scores: Scores, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Return the confidence interval of each corpus score.

    Args:
        scores: result of ``score_captions``.
        resamples: number of resampled corpora.
        level: confidence level, between 0 and 1.
        seed: seed of the resampling; the same seed and photos give the same intervals.

    Raises:
        UsageError: ``resamples`` or ``level`` is out of range.

    Example:
        >>> from seetell.metrics import score_captions
        >>> scores = score_captions({1: ["A dog runs."], 2: ["A cat."]}, {1: "a dog runs", 2: "a dog"})
        >>> confidence_intervals(scores, seed=1)["ROUGE_L"]
        Interval(low=0.5, high=1.0)
    """
    drawn = resampled_scores(scores.additive, resamples=resamples, seed=seed)
    return {name: interval(drawn[name], level) for name in scores.corpus}


def resampled_scores(additive: Sequence[AdditiveMetric], *, resamples: int, seed: int) -> dict[str, Floats]:
    """Return the scores of resampled corpora by name, ``(resamples,)`` each.

    Args:
        additive: metrics of the same photos; all are computed on the same samples.
        resamples: number of resampled corpora.
        seed: seed of the resampling.

    Raises:
        UsageError: ``resamples`` is below 1.
    """
    if resamples < 1:
        raise UsageError(f"expected at least 1 resample, got {resamples}")
    statistics = np.hstack([metric.statistics for metric in additive])
    generator = np.random.default_rng(seed)
    sums = np.concatenate([counts @ statistics for counts in _draws(len(statistics), resamples, generator)])
    return scores_of_sums(additive, sums)


def scores_of_sums(additive: Sequence[AdditiveMetric], sums: Floats) -> dict[str, Floats]:
    """Return the scores of sets of photos by name, ``(sets,)`` each.

    Args:
        additive: the metrics.
        sums: their concatenated statistics, summed over the photos of each set, ``(sets, sum of S)``.
    """
    scores: dict[str, Floats] = {}
    start = 0
    for metric in additive:
        end = start + metric.statistics.shape[1]
        scores.update(zip(metric.names, metric.combine(sums[:, start:end]).T, strict=True))
        start = end
    return scores


def interval(values: Floats, level: float) -> Interval:
    """Return the interval that contains the middle of values.

    Args:
        values: resampled values.
        level: fraction of the values in the interval.

    Raises:
        UsageError: ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"expected a confidence level between 0 and 1, such as 0.95, got {level}")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def blocks(photos: int, repeats: int) -> Iterator[int]:
    """Divide repeats over a number of photos into blocks that fit into memory; yield the size of each."""
    size = max(1, _BLOCK // photos)
    for start in range(0, repeats, size):
        yield min(size, repeats - start)


def _draws(photos: int, resamples: int, generator: np.random.Generator) -> Iterator[Floats]:
    """Yield the number of times each photo is sampled, ``(rows, photos)``, in blocks of resamples."""
    for rows in blocks(photos, resamples):
        drawn = generator.integers(photos, size=(rows, photos))
        cells = (drawn + photos * np.arange(rows)[:, None]).ravel()
        yield np.bincount(cells, minlength=rows * photos).reshape(rows, photos).astype(np.float64)
