"""Metrics as sums of per-photo statistics, so that any set of photos can be scored without counting again.

The corpus score is a function of statistics summed over photos: for BLEU, counts of n-grams and words; for a mean, the
values and their number. Resampling photos, for intervals and tests, is then a matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seetell.metrics.ngrams import Floats


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
