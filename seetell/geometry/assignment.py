"""The assignment problem: pairs of rows and columns of least total cost, by shortest augmenting paths.

Jonker & Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", Computing
38, 1987, without its initialisation: one augmentation for each row, O(n³). It solves what the Hungarian method (Kuhn,
1955) does. Trackers solve thousands of small problems, for which plain lists are several times faster than arrays.
"""

from __future__ import annotations

import numpy as np


def assign(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose pairs of rows and columns, each at most once: as many as possible, and of those the least total cost.

    Args:
        costs: ``(N, M)``; infinite for pairs that are not allowed.

    Returns:
        Rows, ascending, and their columns, both ``(K,)`` intp.

    Raises:
        ValueError: a cost is not a number, or minus infinity.
    """
    costs = np.asarray(costs, np.float64)
    allowed = np.isfinite(costs)
    if not allowed.all() and not (costs[~allowed] == np.inf).all():
        raise ValueError("expected costs that are numbers, or infinite for pairs that are not allowed")
    rows, columns = np.flatnonzero(allowed.any(axis=1)), np.flatnonzero(allowed.any(axis=0))
    if not len(rows):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    part, possible = costs[np.ix_(rows, columns)], allowed[np.ix_(rows, columns)]
    if not possible.all():  # one pair that is not allowed costs more than any choice of those that are
        least, most = part[possible].min(), part[possible].max()
        part = np.where(possible, part, most + (most - least + 1) * min(part.shape))
    turned = part.shape[0] > part.shape[1]
    chosen = np.array(_columns_of_rows((part.T if turned else part).tolist()), np.intp)
    pair = (chosen, np.arange(len(chosen))) if turned else (np.arange(len(chosen)), chosen)
    kept = possible[pair]
    taken_rows, taken_columns = rows[pair[0][kept]], columns[pair[1][kept]]
    order = np.argsort(taken_rows)
    return taken_rows[order], taken_columns[order]


def _columns_of_rows(costs: list[list[float]]) -> list[int]:
    """Return the column of each row, for no more rows than columns.

    ``row_potential`` and ``column_potential`` are the dual variables, by which no cost of a pair becomes negative.
    """
    count, width = len(costs), len(costs[0])
    row_potential, column_potential = [0.0] * count, [0.0] * width
    row_of, column_of = [-1] * width, [-1] * count
    for first in range(count):
        distance, previous = [float("inf")] * width, [-1] * width
        open_columns, done = list(range(width)), []
        row, reached = first, 0.0
        while True:  # Dijkstra's algorithm to the nearest free column
            base, row_costs = reached - row_potential[row], costs[row]
            reached, nearest = float("inf"), -1
            for column in open_columns:
                candidate = base + row_costs[column] - column_potential[column]
                if candidate < distance[column]:
                    distance[column], previous[column] = candidate, row
                if distance[column] < reached:
                    reached, nearest = distance[column], column
            if row_of[nearest] < 0:
                break
            open_columns.remove(nearest)
            done.append(nearest)
            row = row_of[nearest]
        row_potential[first] += reached
        for column in done:
            row_potential[row_of[column]] += reached - distance[column]
            column_potential[column] -= reached - distance[column]
        column = nearest
        while True:
            row = previous[column]
            row_of[column] = row
            column_of[row], column = column, column_of[row]
            if row == first:
                break
    return column_of
