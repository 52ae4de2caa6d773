from __future__ import annotations

import numpy as np
import pytest

from seetell.geometry.key_points import KeyPoints, mirror_points

POINTS = KeyPoints(("nose", "left_eye", "right_eye", "left hip"), ((0, 1), (0, 2)))


def test_left_and_right_are_exchanged():
    assert POINTS.mirrored.tolist() == [0, 2, 1, 3]  # there is no right hip
    points = np.array([[1.0, 5, 2], [2, 6, 2], [0, 0, 0], [4, 8, 1]])
    flipped = mirror_points(points, POINTS.mirrored, width=10)
    assert flipped.tolist() == [[9, 5, 2], [10, 0, 0], [8, 6, 2], [6, 8, 1]]
    np.testing.assert_array_equal(mirror_points(flipped, POINTS.mirrored, width=10), points)


def test_they_are_written_and_read():
    assert KeyPoints.from_dict(POINTS.to_dict()) == POINTS
    for content, message in (
        ({"names": ["a"], "skeleton": [[0, 1]]}, "places among 1 points"),
        ({"names": [1], "skeleton": []}, "expected texts"),
    ):
        with pytest.raises(TypeError, match=message):
            KeyPoints.from_dict(content)
