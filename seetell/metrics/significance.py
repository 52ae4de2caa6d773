"""Confidence intervals of corpus scores, and the significance of the difference between two systems' scores.

Intervals are by the bootstrap (Efron 1979; Koehn 2004 for scores of sentences): photos are resampled with replacement,
as many as there are, and the resulting corpus is scored, many times. The middle 95% of those scores are the interval
(the percentile method). BLEU and METEOR are recomputed from the summed statistics of the sampled photos. CIDEr's
document frequencies remain those of all photos: they are part of the metric, not of the sample.

Two two-sided tests are of the null hypothesis that two systems are equally good on the same photos:

- the paired bootstrap (Koehn 2004; as a test in Riezler & Maxwell 2005, figure 2): the same resampled photos for both
  systems. The differences, shifted to a mean of 0, are the null distribution.
- approximate randomisation (Noreen 1989; Riezler & Maxwell 2005, figure 1): the two captions of each photo are swapped
  with probability 1/2. It assumes less and has fewer false positives; report this one.

A p-value is the share of trials with a difference at least as large as the observed one, which counts as a trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import DataError, UsageError
from seetell.metrics.captions import AdditiveMetric, Scores
from seetell.metrics.ngrams import Floats, Ints

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


_ROUNDING = 1e-12  # differences this close are equal


@dataclass(frozen=True)
class Comparison:
    """The comparison of two systems' corpus scores.

    Attributes:
        difference: the first system's score minus the second's.
        interval: confidence interval of the difference, by the paired bootstrap.
        p_bootstrap: p-value of the paired bootstrap.
        p_randomisation: p-value of approximate randomisation.
    """

    difference: float
    interval: Interval
    p_bootstrap: float
    p_randomisation: float


def compare(
    first: Scores, second: Scores, *, trials: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Comparison]:
    """Compare two systems by each metric that both were scored by.

    There is no correction for multiple tests: of twenty comparisons of equal systems, one has a p-value below 0.05.

    Args:
        first: scores of one system.
        second: scores of the other on the same photos, in any order, against the same references.
        trials: number of trials of each test; the smallest p-value is 1 / (trials + 1).
        level: confidence level of the interval, between 0 and 1.
        seed: seed of the trials; the same seed and photos give the same values.

    Raises:
        DataError: the photos differ, or the two share no metric.
        UsageError: ``trials`` or ``level`` is out of range.
    """
    unshared = first.per_photo.keys() ^ second.per_photo.keys()
    if unshared:
        raise DataError(
            f"expected the same photos in both systems; {len(unshared)} are in one alone, such as "
            f"{sorted(unshared, key=str)[:3]}; score both on the same photos"
        )
    names = [name for name in first.corpus if name in second.corpus]
    if not names:
        raise DataError(
            f"expected a metric that both systems were scored by; the first has {', '.join(first.corpus)}, "
            f"the second {', '.join(second.corpus)}"
        )
    index_of = {photo: index for index, photo in enumerate(second.per_photo)}
    order = np.array([index_of[photo] for photo in first.per_photo])
    first_metrics = [metric for metric in first.additive if not set(metric.names).isdisjoint(names)]
    by_names = {metric.names: metric for metric in second.additive}
    second_metrics: list[AdditiveMetric] = [_Reordered(by_names[metric.names], order) for metric in first_metrics]

    observed = {name: first.corpus[name] - second.corpus[name] for name in names}
    drawn = [
        resampled_scores(system, resamples=trials, seed=seed) for system in (first_metrics, second_metrics)
    ]  # the same samples
    swapped = _swapped_differences(first_metrics, second_metrics, trials=trials, seed=seed)
    result = {}
    for name in names:
        differences = drawn[0][name] - drawn[1][name]
        result[name] = Comparison(
            observed[name],
            interval(differences, level),
            _p_value(differences - differences.mean(), observed[name]),
            _p_value(swapped[name], observed[name]),
        )
    return result


@dataclass(frozen=True)
class _Reordered:
    """A metric with its photos in another order."""

    metric: AdditiveMetric
    order: Ints

    @property
    def names(self) -> tuple[str, ...]:
        return self.metric.names

    @property
    def statistics(self) -> Floats:
        return self.metric.statistics[self.order]

    def combine(self, sums: Floats) -> Floats:
        return self.metric.combine(sums)


def _swapped_differences(
    first_metrics: Sequence[AdditiveMetric], second_metrics: Iterable[AdditiveMetric], *, trials: int, seed: int
) -> dict[str, Floats]:
    """Return the differences after swapping random photos between the systems, by name, ``(trials,)`` each."""
    first = np.hstack([metric.statistics for metric in first_metrics])
    second = np.hstack([metric.statistics for metric in second_metrics])
    photos = len(first)
    generator = np.random.default_rng(seed)
    moved = np.concatenate(
        [
            generator.integers(2, size=(rows, photos), dtype=np.int8).astype(np.float64) @ (second - first)
            for rows in blocks(photos, trials)
        ]
    )
    one = scores_of_sums(first_metrics, first.sum(axis=0) + moved)
    other = scores_of_sums(first_metrics, second.sum(axis=0) - moved)
    return {name: one[name] - other[name] for name in one}


def _p_value(by_chance: Floats, observed: float) -> float:
    """Return the share of differences at least as large as the observed one, which counts as one of them."""
    as_large = int((np.abs(by_chance) >= abs(observed) - _ROUNDING).sum())
    return (as_large + 1) / (len(by_chance) + 1)
