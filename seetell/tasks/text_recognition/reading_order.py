"""The order in which lines of text are read: column by column, and from top to bottom in each.

Nagy, Seth & Viswanathan, "A Prototype Document Image Analysis System for Technical Journals", Computer 25(7), 1992: an
X-Y tree. A page is cut along the widest gap that runs through it, across or down, and its parts are cut in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.geometry.boxes import Box

LEAST_GUTTER = 1.0
"""Width of the space between columns, in heights of lines; narrower gaps are spaces between words."""


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Return the numbers of boxes ``xyxy`` of lines, or of words, in the order of reading."""
    edges = np.array(boxes, float).reshape(-1, 4)
    if not len(edges):
        return []
    height = float(np.median(edges[:, 3] - edges[:, 1]))
    return _ordered(edges, np.arange(len(edges)), height)


def _ordered(edges: np.ndarray, numbers: np.ndarray, height: float) -> list[int]:
    if len(numbers) == 1:
        return [int(numbers[0])]
    across, column = _widest_gap(edges[numbers, 0], edges[numbers, 2])
    down, row = _widest_gap(edges[numbers, 1], edges[numbers, 3])
    if across >= max(LEAST_GUTTER * height, down):
        first = edges[numbers, 2] <= column
    elif down > 0:
        first = edges[numbers, 3] <= row
    elif across >= LEAST_GUTTER * height:
        first = edges[numbers, 2] <= column
    else:
        return _by_rows(edges, numbers)
    return _ordered(edges, numbers[first], height) + _ordered(edges, numbers[~first], height)


def _widest_gap(starts: np.ndarray, ends: np.ndarray) -> tuple[float, float]:
    """Return the width of the widest gap between intervals, and where it begins; 0 without one."""
    order = np.argsort(starts, kind="stable")
    reached = np.maximum.accumulate(ends[order])[:-1]
    gaps = starts[order][1:] - reached
    widest = int(gaps.argmax())
    return max(float(gaps[widest]), 0.0), float(reached[widest])


def _by_rows(edges: np.ndarray, numbers: np.ndarray) -> list[int]:
    """Order boxes that no gap divides: those beside the topmost one from left to right, and so on."""
    left = sorted(numbers.tolist(), key=lambda number: float(edges[number, 1]))
    order: list[int] = []
    while left:
        top, bottom = edges[left[0], 1], edges[left[0], 3]
        row = [number for number in left if top <= (edges[number, 1] + edges[number, 3]) / 2 <= bottom]
        row = row or left[:1]
        order += sorted(row, key=lambda number: float(edges[number, 0]))
        left = [number for number in left if number not in row]
    return order
