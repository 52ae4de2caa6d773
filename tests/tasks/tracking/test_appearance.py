from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.tracking.appearance import ColourHistograms, EncoderFeatures, with_features
from seetell.tasks.tracking.detections import Detections


def scene() -> np.ndarray:
    """A red box over blue at the left, a blue one over red in the middle, and the first again at the right."""
    image = np.zeros((60, 120, 3), np.uint8)
    for left, upper, lower in ((0, 0, 2), (40, 2, 0), (80, 0, 2)):
        image[10:30, left : left + 20, upper] = 250
        image[30:50, left : left + 20, lower] = 250
    return image


BOXES = np.array([[0.0, 10.0, 20.0, 50.0], [40.0, 10.0, 60.0, 50.0], [80.0, 10.0, 100.0, 50.0]])


def test_colours_tell_what_is_above_and_below():
    features = ColourHistograms()(scene(), BOXES)
    assert np.linalg.norm(features, axis=1) == pytest.approx([1, 1, 1])
    assert features @ features.T == pytest.approx(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), abs=1e-6)


def test_a_box_at_the_edge_of_the_frame_has_pixels():
    boxes = np.array([[-30.0, -20.0, -5.0, -1.0], [115.0, 55.0, 140.0, 80.0], [130.0, 70.0, 150.0, 90.0]])
    assert ColourHistograms(stripes=2, levels=2)(scene(), boxes).shape == (3, 16)
    assert ColourHistograms()(scene(), np.empty((0, 4))).shape[0] == 0


def test_the_bundled_encoder_tells_looks_apart():
    from seetell.runtime.bundle import Bundle
    from seetell.tasks.loading import find_model

    appearance = EncoderFeatures(Bundle.load(find_model("classify")), threads=1)
    found = Detections(BOXES, np.ones(3), np.full(3, "person"))
    features = with_features(appearance, scene(), found).features
    assert features is not None
    similar = features @ features.T
    assert similar[0, 2] > 0.99
    assert similar[0, 1] < similar[0, 2] - 0.03
    assert appearance(scene(), BOXES[:0]).shape[0] == 0
