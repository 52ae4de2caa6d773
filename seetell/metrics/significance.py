"""Whether two systems' scores on the same photos differ by more than chance.

Two tests, both of the hypothesis that the systems are equally good, both two-sided:

- the paired bootstrap (Koehn 2004; as a test in Riezler & Maxwell 2005, figure 2): photos are drawn anew for both
  systems alike. The differences, shifted to a mean of 0, show how far chance alone carries them.
- approximate randomisation (Noreen 1989; Riezler & Maxwell 2005, figure 1): of each photo the two captions change
  sides with probability 1/2. It assumes less, and errs less often towards significance; it is the one to report.

A p-value is the share of trials with a difference at least as large as the one found, the one found counted as a trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import DataError
from seetell.metrics.additive import AdditiveMetric
from seetell.metrics.bootstrap import Interval, blocks, interval, resampled_scores, scores_of_sums
from seetell.metrics.captions import Scores
from seetell.metrics.ngrams import Floats, Ints

_ROUNDING = 1e-12  # differences this close are equal


@dataclass(frozen=True)
class Comparison:
    """How one system's corpus score compares with another's.

    Attributes:
        difference: the first system's score less the second's.
        interval: of the difference, by the paired bootstrap.
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
    """Compare two systems by each measure that both were scored by.

    Each measure is tested by itself: of twenty comparisons of equals, one comes out below 0.05.

    Args:
        first: scores of one system.
        second: scores of another on the same photos, in whatever order, against the same references.
        trials: of each test. No p-value is below 1 / (trials + 1).
        level: the share of differences in the interval, between 0 and 1.
        seed: of the draws; the same seed and photos give the same values.

    Raises:
        DataError: the photos are not the same, or the two share no measure.
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
            f"expected a measure that both systems were scored by; the first has {', '.join(first.corpus)}, "
            f"the second {', '.join(second.corpus)}"
        )
    place = {photo: index for index, photo in enumerate(second.per_photo)}
    order = np.array([place[photo] for photo in first.per_photo])
    ours = [measure for measure in first.additive if not set(measure.names).isdisjoint(names)]
    by_names = {measure.names: measure for measure in second.additive}
    theirs: list[AdditiveMetric] = [_Reordered(by_names[measure.names], order) for measure in ours]

    found = {name: first.corpus[name] - second.corpus[name] for name in names}
    drawn = [resampled_scores(system, resamples=trials, seed=seed) for system in (ours, theirs)]  # the same draws
    swapped = _swapped_differences(ours, theirs, trials=trials, seed=seed)
    result = {}
    for name in names:
        differences = drawn[0][name] - drawn[1][name]
        result[name] = Comparison(
            found[name],
            interval(differences, level),
            _p_value(differences - differences.mean(), found[name]),
            _p_value(swapped[name], found[name]),
        )
    return result


@dataclass(frozen=True)
class _Reordered:
    """A measure with its photos in another order."""

    measure: AdditiveMetric
    order: Ints

    @property
    def names(self) -> tuple[str, ...]:
        return self.measure.names

    @property
    def statistics(self) -> Floats:
        return self.measure.statistics[self.order]

    def combine(self, sums: Floats) -> Floats:
        return self.measure.combine(sums)


def _swapped_differences(
    ours: Sequence[AdditiveMetric], theirs: Iterable[AdditiveMetric], *, trials: int, seed: int
) -> dict[str, Floats]:
    """Return the differences after random photos changed sides, by name, ``(trials,)`` each."""
    first = np.hstack([measure.statistics for measure in ours])
    second = np.hstack([measure.statistics for measure in theirs])
    photos = len(first)
    generator = np.random.default_rng(seed)
    moved = np.concatenate(
        [
            generator.integers(2, size=(rows, photos), dtype=np.int8).astype(np.float64) @ (second - first)
            for rows in blocks(photos, trials)
        ]
    )
    one = scores_of_sums(ours, first.sum(axis=0) + moved)
    other = scores_of_sums(ours, second.sum(axis=0) - moved)
    return {name: one[name] - other[name] for name in one}


def _p_value(by_chance: Floats, found: float) -> float:
    """Return the share of differences at least as large as the one found, which counts as one of them."""
    as_large = int((np.abs(by_chance) >= abs(found) - _ROUNDING).sum())
    return (as_large + 1) / (len(by_chance) + 1)
