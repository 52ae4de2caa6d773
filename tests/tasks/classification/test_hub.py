from __future__ import annotations

import numpy as np
import pytest

import seetell
from seetell.errors import UsageError

pytestmark = pytest.mark.slow


def test_labels_are_those_of_the_network(tiny_hub):
    classifier = seetell.load(tiny_hub("vit"), task="classify", threads=1)
    photos = [np.full((40, 60, 3), shade, np.uint8) for shade in (10, 250)]
    assert classifier.labels == ("person", "dog", "N/A", "ball")
    first, second = classifier.predict_many(photos)
    assert sum(label.score for label in first) == pytest.approx(1)
    assert [label.score for label in first] == sorted((label.score for label in first), reverse=True)
    assert first != second
    (best,) = classifier.predict(photos[0], top=1)
    assert (best.text, best.score) == (first[0].text, pytest.approx(first[0].score))
    with pytest.raises(UsageError, match="top must be at least 1"):
        classifier.check(top=0)
