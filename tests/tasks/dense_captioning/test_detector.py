from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import seetell
from seetell.errors import BundleError, RecipeError
from seetell.geometry.boxes import iou
from seetell.runtime.bundle import bundled_models
from seetell.tasks.dense_captioning.confidence import Confidence
from seetell.tasks.dense_captioning.export import detector_bundle
from seetell.tasks.dense_captioning.phrases import PRONOUNS
from seetell.tasks.dense_captioning.predict import DenseCaptioner

DOG = Path(__file__).parents[3] / "examples" / "dog.jpg"


@pytest.fixture
def with_detector(dense_bundle: Path, tmp_path: Path) -> Path:
    """The dense captioner of coloured boxes, beside the bundled object detector."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for file in dense_bundle.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    bundled = json.loads((bundled_models()["flickr8k-dense"] / "model.json").read_text("utf-8"))
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["graphs"]["detector"] = bundled["graphs"]["detector"]
    description["shared"] = {"detector": bundled["shared"]["detector"]}
    description["settings"] |= {name: bundled["settings"][name] for name in ("objects", "agreement")}
    (folder / "model.json").write_text(json.dumps(description), "utf-8")
    return folder


def with_settings(folder: Path, **settings: object) -> DenseCaptioner:
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["settings"] |= settings
    (folder / "model.json").write_text(json.dumps(description), "utf-8")
    captioner = seetell.load(folder, threads=1)
    assert isinstance(captioner, DenseCaptioner)
    return captioner


def test_the_detector_has_its_own_view(with_detector: Path):
    captioner = with_settings(with_detector)
    assert [way.height for way in captioner.preprocessings] == [64, 416]
    assert captioner.agreement is not None
    (found,) = captioner.detect([captioner.prepare(DOG)]) or ()
    assert captioner.agreement.objects[found.labels[0]] == "dog"


def test_an_object_that_no_region_tells_gets_a_region(with_detector: Path):
    coefficients = dict.fromkeys(Confidence.__dataclass_fields__, 0.0) | {"objectness": 1.0, "detection": 1.0}
    captioner = with_settings(with_detector, confidence=coefficients)
    (told,) = [region for region in captioner.predict(DOG, top=100) if region.text == "a dog"]
    assert told.score > 0.5
    left, upper, right, lower = told.box
    assert 0 <= left < right <= 1024
    assert 0 <= upper < lower <= 768


def test_the_least_evidence_must_fit_the_objects(with_detector: Path):
    with pytest.raises(BundleError, match="expected a number for each of 80 objects, got 1"):
        with_settings(with_detector, agreement={"least_evidence": [0.1]})


def test_a_detector_must_be_one():
    assert detector_bundle("coco-nanodet").labels is not None
    with pytest.raises(RecipeError, match="has no graph 'detector'"):
        detector_bundle("imagenet-efficientnet-lite2")


@pytest.mark.slow
@pytest.mark.parametrize("photo", ["dog.jpg", "cat.jpg", "officer.jpg"])
def test_the_bundled_model_tells_no_pronouns_and_what_is_there(photo: str):
    captioner = seetell.load("regions", threads=1)
    told = captioner.predict(DOG.with_name(photo), threshold=0.0, top=100)
    assert told
    assert not any(set(region.text.split()) & PRONOUNS for region in told)
    (found,) = captioner.detect([captioner.prepare(DOG.with_name(photo))]) or ()
    likely = {captioner.agreement.objects[label] for label, score in zip(found.labels, found.scores, strict=True)
              if score >= 0.15}  # fmt: skip
    agreeing = captioner.predict(DOG.with_name(photo), top=100)
    named = {name for region in agreeing for name in captioner.agreement.named(_tokens(captioner, region.text))}
    assert {captioner.agreement.objects[name] for name in named} <= likely


@pytest.mark.slow
def test_regions_without_a_phrase_that_agrees_are_told_where_a_threshold_is_given():
    captioner = seetell.load("regions", threads=1)
    photo = DOG.with_name("bear.jpg")
    ((candidates, _),) = captioner.candidates([captioner.prepare(photo)])
    disputed = [each for each in candidates if each.disputed]
    assert disputed
    everything, usual = captioner.predict(photo, top=100, threshold=0.0), captioner.predict(photo, top=100)
    for each in disputed:
        place = each.box * np.tile(everything.size, 2)
        (score,) = [one.score for one in everything if one.text == each.text and np.allclose(one.box, place)]
        assert not any(one.text == each.text and np.allclose(one.box, place) for one in usual)
        alone = captioner.confidence.of_regions(
            *(np.array([each.objectness, each.hypothesis.mean_logprob, each.likeness])[:, None])
        )
        assert score == pytest.approx(alone.item())


@pytest.mark.slow
@pytest.mark.parametrize("photo", ["bear.jpg", "cat.jpg", "officer.jpg"])
def test_a_lower_threshold_tells_no_less(photo: str):
    captioner = seetell.load("regions", threads=1)
    told = {}
    for threshold in (0.0, 0.03, 0.3, None):
        regions = captioner.predict(DOG.with_name(photo), top=100, threshold=threshold)
        told[threshold] = {(region.text, region.box, region.score) for region in regions}
    assert told[None]
    assert told[0.3] < told[0.03] <= told[0.0]
    assert told[None] <= told[0.03]


@pytest.mark.slow
@pytest.mark.parametrize("photo", ["bear.jpg", "cat.jpg"])
def test_two_regions_are_never_of_one_place(photo: str):
    told = seetell.load("regions", threads=1).predict(DOG.with_name(photo), top=100).regions
    boxes = np.array([region.box for region in told])
    assert (np.triu(iou(boxes[:, None], boxes), 1) <= 0.5).all()


@pytest.mark.slow
def test_the_region_in_the_place_of_a_sure_detection_names_it():
    captioner = seetell.load("regions", threads=1)
    photo = DOG.with_name("bear.jpg")
    told = captioner.predict(photo, top=100)
    (found,) = captioner.detect([captioner.prepare(photo)]) or ()
    best = found.scores.argmax()
    assert captioner.agreement.objects[found.labels[best]] == "bear"
    boxes = np.array([region.box for region in told]) / np.tile(told.size, 2)
    (there,) = np.flatnonzero(iou(boxes, found.boxes[best]) >= 0.5)
    assert "bear" in told[there].text.split()


def _tokens(captioner: DenseCaptioner, text: str) -> tuple[int, ...]:
    return tuple(captioner.bundle.require_vocabulary().encode(text.split()))
