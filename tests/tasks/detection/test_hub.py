"""Detectors of transformers with random weights, and Florence-2."""

from __future__ import annotations

import numpy as np
import pytest

import seetell
from seetell.errors import UsageError
from seetell.results import Region
from seetell.tasks.detection.detector import Wanted
from seetell.tasks.detection.hub import top_regions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, size, dtype=np.uint8) for size in ((40, 60, 3), (90, 50, 3), (40, 60, 3))]


@pytest.mark.parametrize("kind", ["detr", "rt_detr", "yolos"])
def test_objects_are_transformers_own_whatever_the_batch(kind: str, tiny_hub, photos: list):
    import torch
    from PIL import Image

    detector = seetell.load(tiny_hub(kind), task="detect", threads=1)
    options = {"threshold": 0.1, "same_place_iou": 1.0}
    together = list(detector.predict_many(photos, **options))
    for one, other in zip(together, detector.predict_many(photos, batch_size=1, **options), strict=True):
        assert one.size == other.size
        assert [region.text for region in one] == [region.text for region in other]
        np.testing.assert_allclose([region.box for region in one], [region.box for region in other], atol=1e-3)
    images, network = detector.model.image_processor, detector.model.network
    with torch.no_grad():
        outputs = network(**images(images=Image.fromarray(photos[1]), return_tensors="pt"))
    (expected,) = images.post_process_object_detection(outputs, threshold=0.1, target_sizes=[(90, 50)])
    regions = together[1]
    assert regions.size == (50, 90)
    assert [region.score for region in regions] == sorted((region.score for region in regions), reverse=True)
    known = [detector._names[label] != "N/A" for label in expected["labels"].tolist()]
    assert sorted(region.score for region in regions) == pytest.approx(sorted(expected["scores"][known].tolist()))
    for region in regions:
        left, upper, right, lower = region.box
        assert 0 <= left <= right <= 50
        assert 0 <= upper <= lower <= 90


def test_classes_without_a_name_are_none(tiny_hub, photos: list):
    detector = seetell.load(tiny_hub("detr"), task="detection", threads=1)
    assert detector.labels == ("person", "dog", "ball")
    regions = detector.predict(photos[0], threshold=0, same_place_iou=1.0)
    assert {region.text for region in regions} <= {*detector.labels}
    assert len(detector.predict(photos[0], threshold=0, top=2)) <= 2
    assert not len(detector.predict(photos[0], threshold=1))


def test_florence_names_objects_in_words_of_its_own(tiny_hub, photos: list):
    detector = seetell.load(tiny_hub("florence"), task="detect", threads=1)
    assert detector.labels == ()
    assert [found.size for found in detector.predict_many(photos)] == [(60, 40), (50, 90), (60, 40)]


def test_options_and_models_that_are_refused(tiny_hub):
    detector = seetell.load(tiny_hub("detr"), task="detect", threads=1)
    for options in ({"threshold": 2}, {"top": 0}, {"same_place_iou": -1}):
        with pytest.raises(UsageError, match=f"{next(iter(options))} must be"):
            detector.check(**options)
    with pytest.raises(UsageError, match=r"--prompt: .* takes no instructions for detection"):
        seetell.load(tiny_hub("detr"), task="detect", prompt="dogs")
    with pytest.raises(UsageError, match=r"'clip', which is none for detection .*; it is for seetell search"):
        seetell.load(tiny_hub("clip"), task="detect")


def test_of_two_objects_in_a_place_one_is_told():
    regions = [
        Region("cat", (0, 0, 10, 10), 0.5),
        Region("dog", (0, 0, 10, 9.5), 0.7),
        Region("man", (20, 0, 30, 9), 0.6),
    ]
    assert [region.text for region in top_regions(regions, Wanted(0.0, 20, 0.8))] == ["dog", "man"]
    assert [region.text for region in top_regions(regions, Wanted(0.0, 20, 1.0))] == ["dog", "man", "cat"]
    assert top_regions([], Wanted(0.0, 20, 0.8)) == ()
