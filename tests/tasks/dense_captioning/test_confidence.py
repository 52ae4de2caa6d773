from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from seetell.tasks.dense_captioning.confidence import Confidence, logit

EVEN = Confidence(bias=0.0, objectness=1.0, logprob=0.0, likeness=0.0, detection=2.0, detection_bias=0.0, threshold=0.1)


def test_scores_are_logistic():
    scores = EVEN.of_regions(np.array([0.2, 0.5]), np.array([-1.0, -2.0]), np.array([0.5, 0.1]))
    np.testing.assert_allclose(scores, [0.2, 0.5])
    np.testing.assert_allclose(EVEN.of_detections(np.array([0.5, 0.8])), [0.5, 16 / 17])
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_the_setting_is_read():
    assert Confidence.from_dict(asdict(EVEN)) == EVEN
    with pytest.raises(KeyError, match="threshold"):
        Confidence.from_dict({name: value for name, value in asdict(EVEN).items() if name != "threshold"})
    with pytest.raises(TypeError, match="expected numbers"):
        Confidence.from_dict({**asdict(EVEN), "bias": "none"})
