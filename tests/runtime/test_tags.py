from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from runtime.tiny_bundle import FEATURES, write_tiny_bundle
from runtime.tiny_tagger import CLASSES, DETECTED, DETECTOR_SIZE, OBJECTS, TAG_ENCODER_SIZE, add_tagger

from seetell.errors import BundleError
from seetell.photos import Preprocessing, opening
from seetell.runtime.bundle import Bundle
from seetell.runtime.resized_images import resize_all
from seetell.runtime.tags import ImageTagger, detect, found_in, stacked, tagger_of

POOLED = np.random.default_rng(1).normal(size=(6, FEATURES)).astype(np.float32)


def photos(count: int = 6) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (2, 2, 3), np.uint8).repeat(20, 0).repeat(30, 1) for _ in range(count)]


@pytest.fixture
def tagger(tmp_path: Path) -> ImageTagger:
    return ImageTagger(Bundle.load(add_tagger(write_tiny_bundle(tmp_path / "tiny"))), threads=1)


def prepared(tagger: ImageTagger) -> list[dict[Preprocessing, np.ndarray]]:
    return [resize_all(photo, tagger.preprocessings) for photo in photos()]


def test_every_network_sees_images_as_it_was_made_for(tagger: ImageTagger):
    assert [way.width for way in tagger.preprocessings] == [DETECTOR_SIZE, TAG_ENCODER_SIZE]
    tags = tagger(stacked(prepared(tagger), tagger.preprocessings), POOLED)
    shapes = {name: array.shape for name, array in tags.features.items()}
    assert shapes == {
        "objects": (6, len(OBJECTS)),
        "object_boxes": (6, len(OBJECTS), 5),
        "imagenet": (6, CLASSES),
        "words": (6, len(DETECTED)),
        "presence": (6, len(OBJECTS)),
    }
    assert tagger.outputs == tuple(shapes)
    assert (tagger.objects, tagger.words) == (tuple(OBJECTS), tuple(DETECTED))
    assert len(tags.detections) == 6
    assert len(np.unique(tags.features["words"], axis=0)) == 6


def test_a_batch_is_tagged_as_its_images_one_by_one(tagger: ImageTagger):
    images = prepared(tagger)
    together = tagger(stacked(images, tagger.preprocessings), POOLED)
    for row, image in enumerate(images):
        alone = tagger(stacked([image], tagger.preprocessings), POOLED[row : row + 1])
        for name, values in alone.features.items():
            np.testing.assert_allclose(values[0], together.features[name][row], atol=1e-5)
        for one, other in zip(alone.detections[0], together.detections[row], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("at_once", [True, False])
def test_an_encoder_may_see_the_images_at_the_same_time(
    at_once: bool, tagger: ImageTagger, monkeypatch: pytest.MonkeyPatch
):
    images = stacked(prepared(tagger), tagger.preprocessings)
    both, detect, threads = threading.Barrier(2, timeout=20), tagger._detector.graph.run_each, []

    def waiting(*arguments: Any) -> Any:
        if at_once:
            both.wait()
        return detect(*arguments)

    def encode() -> dict[str, np.ndarray]:
        threads.append(threading.current_thread())
        if at_once:
            both.wait()
        return {"pooled": POOLED}

    expected = tagger(images, POOLED)
    monkeypatch.setattr(tagger._detector.graph, "run_each", waiting)
    encoded, tags = tagger.beside_encoder(images, encode, at_once=at_once)
    assert (threads == [threading.current_thread()]) is not at_once
    assert encoded["pooled"] is POOLED
    assert list(tags.features) == list(expected.features)
    for name, values in expected.features.items():
        np.testing.assert_array_equal(tags.features[name], values)


def test_graphs_may_be_absent(tmp_path: Path):
    folder = write_tiny_bundle(tmp_path / "tiny")
    assert tagger_of(Bundle.load(folder), threads=1) is None
    found = tagger_of(Bundle.load(add_tagger(folder, graphs=())), threads=1)
    assert found is not None
    assert found.outputs == ("objects", "object_boxes")
    assert found.words == ()
    words = ImageTagger(Bundle.load(add_tagger(folder, graphs=("word_detectors",))), threads=1)
    assert words.outputs == ("objects", "object_boxes", "words", "presence")
    assert set(words(stacked(prepared(words), words.preprocessings), POOLED).features) == set(words.outputs)


def test_a_detector_with_other_outputs_is_refused(tmp_path: Path):
    folder = add_tagger(write_tiny_bundle(tmp_path / "tiny"))
    description = json.loads((folder / "model.json").read_text())
    description["graphs"]["detector"] = description["graphs"]["tag_classifier"]
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match="expected inputs among"):
        ImageTagger(Bundle.load(folder), threads=1)


@pytest.mark.parametrize(
    ("setting", "said"), [("objects", r"scores, but model\.json names"), ("words", r"words, but model\.json names")]
)
def test_other_names_than_a_graph_gives_values_are_refused(tmp_path: Path, setting: str, said: str):
    folder = add_tagger(write_tiny_bundle(tmp_path / "tiny"))
    description = json.loads((folder / "model.json").read_text())
    description["settings"][setting].append("unicorn")
    (folder / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match=said):
        ImageTagger(Bundle.load(folder), threads=1)


def test_object_tags_are_the_best_of_each_class_and_their_number():
    scores = np.zeros((5, 3), np.float32)
    boxes = np.array([[0, 0, 0.4, 0.4], [0, 0, 0.4, 0.38], [0.5, 0.5, 1, 1], [0.5, 0, 1, 0.4], [0, 0.6, 0.3, 1]])
    scores[:, 0] = 0.8, 0.9, 0.5, 0.1, 0.34
    scores[:, 1] = 0.1, 0.2, 0.3, 0.2, 0.1
    scores[2, 2] = 0.6
    best, detections = found_in(scores, boxes, min_score=0.3)
    np.testing.assert_allclose(best[0], [0.9, 0, 0, 0.4, 0.38, 2], atol=1e-6)
    np.testing.assert_allclose(best[1], [0.3, 0.5, 0.5, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(best[2], [0.6, 0.5, 0.5, 1, 1, 1], atol=1e-6)
    assert detections.labels.tolist() == [0, 2, 0, 0, 1]
    np.testing.assert_allclose(detections.scores, [0.9, 0.6, 0.5, 0.34, 0.3], atol=1e-6)
    np.testing.assert_allclose(detections.boxes[1], [0.5, 0.5, 1, 1])


def test_the_number_of_detections_is_bounded_but_for_those_that_are_counted():
    boxes = np.array([[0, place / 10, 1, place / 10 + 0.05] for place in range(8)])
    scores = np.array([0.9, 0.8, 0.5, 0.3, 0.2, 0.1, 0.1, 0.1], np.float32)[:, None]
    best, all_of_them = found_in(scores, boxes, min_score=0.05)
    for most, expected in ((1, 3), (5, 5), (20, 8)):  # three are counted
        same, detections = found_in(scores, boxes, min_score=0.05, max_detections=most)
        np.testing.assert_array_equal(same, best)
        np.testing.assert_array_equal(detections.scores, all_of_them.scores[:expected])
    assert best[0, 5] == 3


def test_boxes_of_different_classes_do_not_suppress_each_other():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    assert len(detect(np.array([[0.9, 0.0], [0.0, 0.8]]), boxes, min_score=0.5).labels) == 2
    assert len(detect(np.array([[0.9, 0.0], [0.8, 0.0]]), boxes, min_score=0.5).labels) == 1
    assert len(detect(np.zeros((2, 2)), boxes, min_score=0.5).labels) == 0


def test_weaker_detections_only_where_they_are_asked_for(tmp_path: Path):
    bundle = Bundle.load(add_tagger(write_tiny_bundle(tmp_path / "tiny")))
    strict, lenient = (ImageTagger(bundle, threads=1, min_score=score) for score in (0.6, 0.01))
    images = stacked(prepared(strict), strict.preprocessings)
    few, many = strict(images, POOLED), lenient(images, POOLED)
    assert sum(len(found.labels) for found in few.detections) < sum(len(found.labels) for found in many.detections)
    assert min(score for found in few.detections for score in found.scores) >= 0.6
    np.testing.assert_array_equal(few.features["object_boxes"], many.features["object_boxes"])


def test_a_photo_is_opened_once_for_all_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.fromarray(photos(1)[0]).resize((900, 700)).save(tmp_path / "photo.jpg")
    monkeypatch.setattr(opening, "WHOLE_PIXELS", 0)
    drafts = []
    draft = Image.Image.draft
    monkeypatch.setattr(
        JpegImagePlugin.JpegImageFile, "draft", lambda self, mode, size: drafts.append(size) or draft(self, mode, size)
    )
    ways = (Preprocessing(32, 64), Preprocessing(48, 16, resample="bilinear"))
    views = resize_all(tmp_path / "photo.jpg", ways)
    assert drafts == [(128, 96)]
    assert [views[way].shape for way in ways] == [(32, 64, 3), (48, 16, 3)]
