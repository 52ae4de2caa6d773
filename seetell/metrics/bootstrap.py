"""Confidence intervals of a corpus' scores by the bootstrap (Efron 1979; Koehn 2004 for scores of sentences).

Photos are drawn anew, with replacement, as many as there are, and the corpus they make is scored, many times over. The
middle 95% of those scores are the interval (the percentile method). BLEU and METEOR are recomputed from the summed
statistics of the photos drawn. CIDEr's document frequencies stay those of all photos: they are part of the measure,
not of the sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import UsageError
from seetell.metrics.additive import AdditiveMetric
from seetell.metrics.captions import Scores
from seetell.metrics.ngrams import Floats

_BLOCK = 1 << 22  # draws at a time, which bounds the memory


@dataclass(frozen=True)
class Interval:
    """Where a share of the resampled values lies, from ``low`` to ``high``."""

    low: float
    high: float


def confidence_intervals(
    scores: Scores, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Return the interval of each corpus score.

    Args:
        scores: of ``score_captions``.
        resamples: how often to draw the photos anew.
        level: the share of resampled scores in the interval, between 0 and 1.
        seed: of the draws; the same seed and photos give the same intervals.

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
        additive: measures of the same photos; all see the same draws.
        resamples: how often to draw.
        seed: of the draws.

    Raises:
        UsageError: ``resamples`` is below 1.
    """
    if resamples < 1:
        raise UsageError(f"expected at least 1 resample, got {resamples}")
    statistics = np.hstack([measure.statistics for measure in additive])
    generator = np.random.default_rng(seed)
    sums = np.concatenate([counts @ statistics for counts in _draws(len(statistics), resamples, generator)])
    return scores_of_sums(additive, sums)


def scores_of_sums(additive: Sequence[AdditiveMetric], sums: Floats) -> dict[str, Floats]:
    """Return the scores of sets of photos by name, ``(sets,)`` each.

    Args:
        additive: the measures.
        sums: their statistics side by side, summed over the photos of each set, ``(sets, sum of S)``.
    """
    scores: dict[str, Floats] = {}
    start = 0
    for measure in additive:
        end = start + measure.statistics.shape[1]
        scores.update(zip(measure.names, measure.combine(sums[:, start:end]).T, strict=True))
        start = end
    return scores


def interval(values: Floats, level: float) -> Interval:
    """Return between which two values the middle of all lies.

    Args:
        values: the resampled values.
        level: the share in the middle.

    Raises:
        UsageError: ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"expected a confidence level between 0 and 1, such as 0.95, got {level}")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def blocks(photos: int, repeats: int) -> Iterator[int]:
    """Divide repeats over so many photos into blocks that fit into memory, and yield the size of each."""
    size = max(1, _BLOCK // photos)
    for start in range(0, repeats, size):
        yield min(size, repeats - start)


def _draws(photos: int, resamples: int, generator: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each photo is drawn, ``(rows, photos)``, in blocks of resamples."""
    for rows in blocks(photos, resamples):
        drawn = generator.integers(photos, size=(rows, photos))
        cells = (drawn + photos * np.arange(rows)[:, None]).ravel()
        yield np.bincount(cells, minlength=rows * photos).reshape(rows, photos).astype(np.float64)
