"""Which targets and detections belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from seetell.geometry.assignment import assign


class Matches(NamedTuple):
    """Pairs, and what is left over; all are indices.

    Attributes:
        targets: of the pairs, ``(K,)``.
        detections: of the pairs, ``(K,)``.
        lost: targets without a detection.
        new: detections without a target.
    """

    targets: np.ndarray
    detections: np.ndarray
    lost: np.ndarray
    new: np.ndarray


def match(costs: np.ndarray, *, most: float) -> Matches:
    """Match as many pairs as the limit allows at the least total cost.

    Args:
        costs: ``(T, N)``; infinite for pairs that are not allowed.
        most: cost of a pair that is still allowed.
    """
    targets, detections = assign(np.where(costs <= most, costs, np.inf))
    return _matches(targets, detections, costs.shape)


def match_then_reject(costs: np.ndarray, *, most: float) -> Matches:
    """Match at the least total cost, and then reject pairs that cost too much, as SORT does; see :func:`match`."""
    allowed = costs <= most
    if (allowed.sum(axis=0) <= 1).all() and (allowed.sum(axis=1) <= 1).all():
        targets, detections = np.nonzero(allowed)
        return _matches(targets, detections, costs.shape)
    rows, columns = assign(costs)
    kept = costs[rows, columns] <= most
    return _matches(rows[kept], columns[kept], costs.shape)


def cascade(
    costs: Callable[[np.ndarray, np.ndarray], np.ndarray], missed: np.ndarray, count: int, *, most: float
) -> Matches:
    """Match targets that were seen lately before those that were not; Wojke et al. (2017), Listing 1.

    Args:
        costs: returns those of some targets and detections, given their indices.
        missed: frames since each target was seen, ``(T,)``.
        count: detections.
        most: cost of a pair that is still allowed.
    """
    targets, detections = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    new = np.arange(count)
    for age in np.unique(missed):
        if not len(new):
            break
        level = np.flatnonzero(missed == age)
        found = match(costs(level, new), most=most)
        targets.append(level[found.targets])
        detections.append(new[found.detections])
        new = new[found.new]
    return _matches(np.concatenate(targets), np.concatenate(detections), (len(missed), count))


def _matches(targets: np.ndarray, detections: np.ndarray, shape: tuple[int, ...]) -> Matches:
    lost, new = np.ones(shape[0], bool), np.ones(shape[1], bool)
    lost[targets], new[detections] = False, False
    return Matches(targets, detections, np.flatnonzero(lost), np.flatnonzero(new))
