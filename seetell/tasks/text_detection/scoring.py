"""Precision, recall and F1 score of lines that were found."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from seetell.geometry.boxes import iou

LEAST_IOU = 0.5


def line_scores(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Compare found lines with true ones, by their bounding boxes.

    Args:
        pairs: per picture the corners of found lines and of true ones, ``(N, 4, 2)`` and ``(M, 4, 2)``.

    Returns:
        ``precision``, ``recall`` and ``f1``; a line is found if its IoU with one that no other line is taken for is at
        least one half.
    """
    right = found_lines = true_lines = 0
    for found, true in pairs:
        found_lines, true_lines = found_lines + len(found), true_lines + len(true)
        if len(found) and len(true):
            overlaps = iou(bounding_boxes(found)[:, None], bounding_boxes(true)[None])
            while overlaps.max() >= LEAST_IOU:
                row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
                overlaps[row], overlaps[:, column] = 0, 0
                right += 1
    precision, recall = right / max(found_lines, 1), right / max(true_lines, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * right / max(found_lines + true_lines, 1)}


def bounding_boxes(corners: np.ndarray) -> np.ndarray:
    """Return the boxes ``xyxy`` around polygons ``(N, K, 2)``."""
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
