"""Average precision of what detectors really find, compared with other programs that compute it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from coco_reference import box_rows, coco_scores
from training_runs import loop_of, sections
from voc_reference import Boxes, voc_scores

import seetell
from seetell.data.objects import read_objects
from seetell.metrics.detection import Detection, detection_average_precision, voc_average_precision
from seetell.tasks.detection.train import Training
from seetell.training.config import load_config
from seetell.training.recipes import shipped_recipes

pytestmark = pytest.mark.slow
DATA = Path(os.environ.get("SEETELL_DATA", Path(__file__).parents[4] / "shared" / "data"))
needs = {
    name: pytest.mark.skipif(not (DATA / name).is_dir(), reason=f"needs {DATA}/{name}")
    for name in ("coco128", "flickr30k_entities")
}


def assert_same_scores(truth: Boxes, found: Boxes) -> None:
    assert sum(map(len, found.values())) > 1000
    scores, voc = detection_average_precision(truth, found), voc_average_precision(truth, found)
    assert scores.ap50 > 0.01
    labels = sorted({each.label for boxes in (*truth.values(), *found.values()) for each in boxes})
    expected = coco_scores("bbox", [*truth], box_rows(truth, labels), box_rows(found, labels), classes=len(labels))
    assert (scores.ap, scores.ap50) == pytest.approx(expected, abs=1e-9)
    assert (voc.map_2007, voc.map_2010) == pytest.approx(voc_scores(truth, found), abs=1e-9)


@pytest.mark.nightly
@needs["coco128"]
def test_the_bundled_detector_on_photos_of_coco():
    pytest.importorskip("pycocotools")
    dataset = read_objects(DATA / "coco128/object_detection")
    photos = [*dataset.split("val"), *dataset.split("train")]
    results = seetell.load("detect").predict_many(
        [photo.path for photo in photos], threshold=0.05, top=100, same_place_iou=1.0
    )
    truth, found = {}, {}
    for photo, regions in zip(photos, results, strict=True):
        width, height = regions.size
        truth[photo.id] = [
            Detection(name, (x0 * width, y0 * height, x1 * width, y1 * height))
            for name, (x0, y0, x1, y1) in zip(photo.classes, photo.boxes, strict=True)
        ]
        found[photo.id] = [Detection(each.text, each.box, each.score) for each in regions]
    assert_same_scores(truth, found)


@pytest.mark.nightly
@needs["flickr30k_entities"]
def test_a_detector_trained_on_entities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pycocotools")
    settings = [
        f"data.path={DATA / 'flickr30k_entities'}",
        f"data.captions={DATA / 'flickr8k'}",
        f"encoder.cache={tmp_path / 'maps'}",
        "detection.train_encoder_after=0",  # no maps but of the photos that are drawn
        "encoder.image_size=128",
        "validation.every=40",
        "validation.photos=100",
        "steps=40",
        "threads=1",
    ]
    config = load_config(shipped_recipes()["entities-ssd"], sections, settings)
    scored = {}

    def remembered(truth: Boxes, found: Boxes):
        scored["truth"], scored["found"] = truth, found
        return detection_average_precision(truth, found)

    monkeypatch.setattr("seetell.tasks.detection.train.detection_average_precision", remembered)
    loop_of(config, Training.read(config), tmp_path / "run").run()
    assert_same_scores(scored["truth"], scored["found"])
