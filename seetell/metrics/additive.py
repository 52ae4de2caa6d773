"""What a measure keeps of each photo, so that any choice of photos can be scored without counting again.

The corpus' score follows from statistics that add up over photos: for BLEU counts of n-grams and words, for a mean its
values and their number. Resampling photos, for intervals and tests, is then one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seetell.metrics.ngrams import Floats


class AdditiveMetric(Protocol):
    """Scores of ``P`` photos by one measure, or by ``N`` that share their counts.

    Attributes:
        names: of the scores, ``N`` of them.
        statistics: of each photo, ``(P, S)``.
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
    """A measure whose score of a corpus is the mean of its photos' scores.

    Attributes:
        name: of the score.
        per_photo: score of each photo, ``(P,)``.
    """

    name: str
    per_photo: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """The one name."""
        return (self.name,)

    @property
    def statistics(self) -> Floats:
        """Each photo's score, and 1 for the photo itself, ``(P, 2)``."""
        return np.column_stack([self.per_photo, np.ones(len(self.per_photo))])

    def combine(self, sums: Floats) -> Floats:
        """Return the mean score of sets of photos, ``(sets, 1)``."""
        return sums[:, :1] / sums[:, 1:]
