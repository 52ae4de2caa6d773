"""Windows of frames."""

from __future__ import annotations

import numpy as np

from seetell.tasks.single_object_tracking.patches import window_of

IMAGE = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


def test_a_window_of_whole_pixels_is_a_part_of_the_frame():
    np.testing.assert_array_equal(window_of(IMAGE, (4, 3), (4, 2), (4, 2)), IMAGE[2:4, 2:6])


def test_beyond_the_frame_the_nearest_pixel_goes_on():
    window = window_of(IMAGE, (0, 0), (4, 4), (4, 4))
    np.testing.assert_array_equal(window[2:, 2:], IMAGE[:2, :2])
    assert (window[:2, :2] == IMAGE[0, 0]).all()


def test_or_a_colour():
    window = window_of(IMAGE, (8, 6), (4, 4), (4, 4), fill=np.array([9, 8, 7], np.uint8))
    np.testing.assert_array_equal(window[:2, :2], IMAGE[4:, 6:])
    assert (window[2:] == [9, 8, 7]).all()
    assert (window[:, 2:] == [9, 8, 7]).all()


def test_halves_of_pixels_are_mixed():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, 2:] = 100
    window = window_of(image, (2, 2), (1, 2), (1, 2))
    assert abs(int(window[0, 0, 0]) - 50) <= 1
