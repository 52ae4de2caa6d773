"""How much smaller the core of a line is than the line, so that lines that touch have cores apart.

Liao et al. (AAAI 2020), section 3.3: a line is shrunk by ``D`` = ``A`` (1 − ``r``²) / ``L`` of its area ``A`` and
perimeter ``L``. Departure: ``r`` is 0.7 rather than 0.4, for at half the resolution, cores of small text would vanish.
"""

from __future__ import annotations

import numpy as np

SHRINK = 0.7
"""``r``."""

ITERATIONS = 30


def shrink_distance(area: np.ndarray | float, perimeter: np.ndarray | float) -> np.ndarray | float:
    """Return ``D``."""
    return area * (1 - SHRINK**2) / perimeter


def grown(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rectangles whose cores are given: ``D`` is that of the rectangle that is looked for.

    Args:
        low: where cores begin along both of their axes, ``(N, 2)``.
        high: where they end.
    """
    sides = high - low
    distance = np.zeros(len(sides))
    for _ in range(ITERATIONS):
        whole = sides + 2 * distance[:, None]
        distance = np.asarray(shrink_distance(whole.prod(axis=1), 2 * whole.sum(axis=1)))
    return low - distance[:, None], high + distance[:, None]
