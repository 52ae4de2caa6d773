"""A histogram as SVG to stand in an HTML page, and as a table for those who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seetell.drawing.page_parts import html_text

MOST_BINS = 24
WIDTH, HEIGHT = 480, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 40


@dataclass(frozen=True)
class Histogram:
    """How often values fall between equally spaced edges.

    Attributes:
        edges: of the bins, ascending, round numbers, ``(N + 1,)``. The last bin holds its upper edge too.
        counts: of each series of values, ``(S, N)``.
    """

    edges: np.ndarray
    counts: np.ndarray

    @classmethod
    def build(cls, series: Sequence[np.ndarray]) -> Histogram:
        """Count values in at most 24 bins.

        Args:
            series: one or more arrays of finite values, not all empty.
        """
        every = np.concatenate(series)
        low, high = float(every.min()), float(every.max())
        width = round_step((high - low) / (MOST_BINS - 1))  # one less, as the edges are moved to round numbers
        first = math.floor(low / width)
        edges = width * np.arange(first, max(math.ceil(high / width), first + 1) + 1)
        return cls(edges, np.stack([np.histogram(values, edges)[0] for values in series]))

    def svg(self, axis: str) -> str:
        """Draw the first series as bars and a second as a line of steps.

        Args:
            axis: what the values are.
        """
        bars = "".join(
            f'<rect class="bar" x="{self._x(left):.1f}" y="{self._y(count):.1f}"'
            f' width="{max(self._x(right) - self._x(left) - 1, 1):.1f}" height="{self._y(0) - self._y(count):.1f}"/>'
            for left, right, count in self._bins(0)
        )
        steps = "".join(
            f"L{self._x(left):.1f} {self._y(n):.1f}H{self._x(right):.1f}" for left, right, n in self._bins(1)
        )
        line = f'<path class="steps" d="M{self._x(self.edges[0]):.1f} {self._y(0):.1f}{steps}V{self._y(0):.1f}"/>'
        label = html_text(f"Histogram of the photos by {axis}; the table below has the numbers")
        return (
            f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
            f"{self._grid()}{bars}{line if len(self.counts) > 1 else ''}{self._ticks()}"
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{html_text(axis)}</text>'
            "</svg>"
        )

    def table(self, names: Sequence[str], axis: str) -> str:
        """Write the counts as an HTML table."""
        heads = "".join(f'<th scope="col">{html_text(name)}</th>' for name in (axis, *names))
        rows = "".join(
            f'<tr><th scope="row">{number(left)} to {number(right)}</th>'
            + "".join(f"<td>{count:,}</td>" for count in counts)
            + "</tr>"
            for left, right, counts in zip(self.edges, self.edges[1:], self.counts.T, strict=False)
        )
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def _bins(self, series: int) -> list[tuple[float, float, int]]:
        if series >= len(self.counts):
            return []
        return list(zip(self.edges.tolist(), self.edges[1:].tolist(), self.counts[series].tolist(), strict=False))

    def _x(self, value: float) -> float:
        first, last = self.edges[0], self.edges[-1]
        return float(LEFT + (value - first) / (last - first) * (WIDTH - LEFT - RIGHT))

    def _y(self, count: float) -> float:
        return float(HEIGHT - BOTTOM - count / self.counts.max() * (HEIGHT - BOTTOM - TOP))

    def _grid(self) -> str:
        step = max(1, round(round_step(self.counts.max() / 4)))
        return "".join(
            f'<path class="grid" d="M{LEFT} {self._y(count):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{self._y(count) + 4:.1f}" text-anchor="end">{count:,}</text>'
            for count in range(0, int(self.counts.max()) + 1, step)
        )

    def _ticks(self) -> str:
        every = math.ceil(len(self.edges) / 7)
        return "".join(
            f'<text x="{self._x(edge):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{number(edge)}</text>'
            for edge in self.edges[::every]
        )


def round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below a number; 1 for zero."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))


def number(value: float) -> str:
    """Write a number for people: as many digits as it needs, up to four, and a minus that is one."""
    return f"{value:.4g}".replace("-", "−")
