from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.errors import BundleError
from seetell.export.parity import cosine_distance, relative_difference, require_parity


def test_differences_are_relative_to_each_arrays_greatest_value():
    ours, theirs = [np.array([0.0, -4.0]), np.array([10.0])], [np.array([1.0, -4.0]), np.array([9.0])]
    assert relative_difference(ours, theirs) == 0.25
    assert math.isnan(relative_difference([np.ones(2), np.ones(1)], [np.ones(2), np.array([np.nan])]))


def test_cosine_distance_of_vectors_and_of_maps():
    vectors = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert cosine_distance([vectors], [3 * vectors]) == pytest.approx(0)
    assert cosine_distance([vectors], [np.array([[0.0, 1.0], [0.0, 1.0]])]) == pytest.approx(0.5)
    maps = np.zeros((1, 2, 3, 3))
    maps[0, 0] = 1
    swapped = maps[:, ::-1]
    assert cosine_distance([vectors, maps], [vectors, swapped]) == pytest.approx(1)
    nothing = np.zeros((2, 2))
    assert cosine_distance([nothing], [nothing]) == 0
    assert cosine_distance([nothing], [vectors]) == 1


def test_every_difference_beyond_its_tolerance_is_named():
    require_parity({"a": (0.1, 0.1), "b": (0.0, 0.0)})
    with pytest.raises(BundleError, match=r"b is 0.2, at most 0.1 is allowed; c is nan, at most 1 is allowed; nothing"):
        require_parity({"a": (0.1, 0.1), "b": (0.2, 0.1), "c": (math.nan, 1.0)})
