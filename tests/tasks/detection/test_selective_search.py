from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seetell.errors import RecipeError
from seetell.geometry.boxes import iou
from seetell.tasks.detection.graph_segmentation import segment, smoothed
from seetell.tasks.detection.selective_search import SelectiveSearchConfig, in_colours, selective_search


def two_halves() -> np.ndarray:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    return image


def test_two_halves_are_two_segments():
    labels = segment(two_halves(), scale=50, least=60)  # the columns that smoothing makes between them are too small
    assert (labels[:, :13] == 0).all()
    assert (labels[:, 18:] == labels.max()).all()
    assert labels.max() == 1


def test_a_larger_scale_makes_larger_segments_and_small_ones_are_joined():
    random = np.random.default_rng(0)
    noise = random.integers(0, 255, (24, 24, 3)).astype(np.uint8)
    counts = [segment(noise, scale=scale, least=1).max() + 1 for scale in (10, 100, 1000)]
    assert counts[0] > counts[1] > counts[2] >= 1
    joined = segment(noise, scale=10, least=40)
    assert np.bincount(joined.ravel()).min() >= 40


def test_by_hand():
    """In a row of 0, 0, 3, 9 the edge of 3 joins where k allows it, 3 <= k / 1, and that of 6 where 6 <= k."""
    row = np.zeros((1, 4, 1), np.float32)
    row[0, :, 0] = [0, 0, 3, 9]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.tasks.detection.graph_segmentation.smoothed", lambda image, sigma: image)
        assert segment(row, scale=2, least=1).tolist() == [[0, 0, 1, 2]]
        assert segment(row, scale=6, least=1).tolist() == [[0, 0, 0, 1]]  # 3 <= 6 / 2, but 6 > 3 + 6 / 3
        assert segment(row, scale=12, least=1).tolist() == [[0, 0, 0, 0]]


def test_smoothing_keeps_what_is_even_and_the_sum():
    assert np.allclose(smoothed(np.full((5, 6, 2), 7.0), 0.8), 7)
    spot = np.zeros((15, 15, 1))
    spot[7, 7] = 1
    blurred = smoothed(spot, 1.0)
    assert blurred.sum() == pytest.approx(1)
    assert blurred[7, 8] / blurred[7, 7] == pytest.approx(np.exp(-0.5))


def test_objects_are_among_the_boxes():
    image = np.full((64, 96, 3), 128, np.uint8)
    truth = np.array([[10.0, 8, 40, 30], [60, 20, 90, 60]])
    image[8:30, 10:40], image[20:60, 60:90] = (220, 30, 30), (30, 60, 220)
    boxes = selective_search(image, SelectiveSearchConfig(side=64, scales=(100.0,), colours=("rgb",)))
    assert (iou(boxes[:, None], truth).max(axis=0) > 0.85).all()
    assert (boxes >= 0).all()
    assert (boxes <= [96, 64, 96, 64]).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (boxes == [0, 0, 96, 64]).all(axis=1).any()  # the last segment is the whole image
    again = selective_search(image, SelectiveSearchConfig(side=64, scales=(100.0,), colours=("rgb",), most=3))
    assert np.array_equal(again, boxes[:3])


def test_colours_of_a_known_grey():
    grey = Image.new("RGB", (2, 2), (119, 119, 119))  # half as light as white
    light, red, blue = in_colours(grey, "lab")[0, 0]
    assert light / 2.55 == pytest.approx(50, abs=0.5)
    assert (red, blue) == (pytest.approx(128, abs=1), pytest.approx(128, abs=1))


def test_settings():
    config = SelectiveSearchConfig(side=100, colours=("hsv",))
    assert SelectiveSearchConfig.from_dict({**config.to_dict(), "colours": ["hsv"], "scales": [50.0, 100.0]}) == config
    with pytest.raises(RecipeError, match="Did you mean 'hsv'"):
        SelectiveSearchConfig(colours=("hsw",))
    with pytest.raises(RecipeError, match="scales: expected positive"):
        SelectiveSearchConfig(scales=(0.0,))
