from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.classification.confusion import NAMED, confusion_matrix, draw_confusion
from seetell.tasks.classification.evaluate import calibration_error


def test_a_matrix_counts_predictions_by_true_label():
    matrix = confusion_matrix(["cat", "cat", "dog"], ["cat", "dog", "dog"], ["cat", "dog", "owl"])
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("count", [3, NAMED + 1])
def test_hits_are_green_and_mistakes_red(count):
    labels = [f"label {number}" for number in range(count)]
    matrix = np.diag(np.full(count, 4))
    matrix[0] = 0
    matrix[0, 1] = 7
    picture = np.asarray(draw_confusion(matrix, labels))
    mistakes = np.nonzero((picture == (165, 15, 21)).all(axis=2))
    hits = np.nonzero((picture == (0, 109, 44)).all(axis=2))
    assert mistakes[0].max() < hits[0].min()  # the first row is above all others,
    assert abs(mistakes[1].min() - hits[1].min()) <= 1  # and its mistake in the second column


def test_calibration_error_is_the_mean_gap_between_confidence_and_accuracy():
    assert calibration_error(np.full(4, 0.9), np.array([True, True, True, False])) == pytest.approx(0.15)
    assert calibration_error(np.array([1.0, 0.5, 0.5]), np.array([True, True, False])) == pytest.approx(0.0)
