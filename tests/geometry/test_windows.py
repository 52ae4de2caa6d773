from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import RecipeError
from seetell.geometry.boxes import pooling_weights, window_boxes


def test_three_across_are_halves_that_overlap_by_half():
    boxes = window_boxes([3])
    assert boxes.shape == (10, 4)
    np.testing.assert_allclose(boxes[0], [0, 0, 1, 1])
    np.testing.assert_allclose(
        boxes[[1, 2, 4, 9]], [[0, 0, 0.5, 0.5], [0.25, 0, 0.75, 0.5], [0, 0.25, 0.5, 0.75], [0.5, 0.5, 1, 1]]
    )


def test_levels_follow_each_other_and_cover_the_photo():
    boxes = window_boxes([2, 5])
    assert len(boxes) == 1 + 4 + 25
    for level in (boxes[1:5], boxes[5:]):
        np.testing.assert_allclose([level.min(), level.max()], [0, 1])


def test_one_window_across_is_refused():
    with pytest.raises(RecipeError, match="2 or more windows across, got 1"):
        window_boxes([3, 1])


def test_weights_are_shares_of_area():
    whole, half_of_two, corner = pooling_weights(
        np.array([[0, 0, 1, 1], [0.25, 0, 0.75, 1], [0, 0, 0.5, 0.25]]), (2, 2)
    )
    np.testing.assert_allclose(whole, [0.25] * 4)
    np.testing.assert_allclose(half_of_two, [0.25] * 4)
    np.testing.assert_allclose(corner, [1, 0, 0, 0])


def test_a_window_that_ends_within_a_location_takes_part_of_it():
    (weights,) = pooling_weights(np.array([[0, 0, 0.75, 1.0]]), (1, 2))
    np.testing.assert_allclose(weights, [2 / 3, 1 / 3], rtol=1e-6)


def test_rows_and_columns_are_not_mixed_up():
    (weights,) = pooling_weights(np.array([[0, 0.5, 1 / 3, 1.0]]), (2, 3))
    np.testing.assert_allclose(weights.reshape(2, 3), [[0, 0, 0], [1, 0, 0]], atol=1e-7)


@pytest.mark.parametrize("grid_size", [(7, 7), (8, 8), (3, 5)])
def test_windows_average_a_ramp_to_their_centres(grid_size):
    """The mean of a ramp over a window is the ramp at the window's centre, if whole locations are covered."""
    boxes = window_boxes([3])
    rows, columns = grid_size
    ramp = np.repeat((np.arange(rows) + 0.5) / rows, columns)
    centres = (boxes[:, 1] + boxes[:, 3]) / 2
    np.testing.assert_allclose(pooling_weights(boxes, grid_size) @ ramp, centres, atol=0.5 / rows)
