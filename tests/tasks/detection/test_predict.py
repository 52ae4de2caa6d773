from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seetell
from seetell.cli.main import main
from seetell.errors import BundleError, UsageError
from seetell.runtime.bundle import Bundle, bundled_models
from seetell.tasks.detection.candidates import ProposalRules, TwoGraphs
from seetell.tasks.detection.predict import BundleDetector

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def bundled() -> BundleDetector:
    return seetell.load("detect", threads=1)


class Candidates:
    """Stands for a graph: three cats and a dog, normalised to [0, 1]."""

    def run(self, feeds: dict[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        scores = np.zeros((len(feeds["images"]), 4, 80), np.float32)
        scores[:, [0, 1, 2], 15] = 0.9, 0.8, 0.5
        scores[:, 3, 16] = 0.7
        boxes = np.array([[0, 0, 0.5, 1], [0, 0, 0.45, 1], [0.5, 0.5, 1, 1], [0, 0, 0.5, 1]], np.float32)
        outputs = {"scores": scores, "boxes": np.broadcast_to(boxes, (len(scores), 4, 4))}
        return [outputs[name] for name in names]


@pytest.fixture
def detector(bundled: BundleDetector, monkeypatch: pytest.MonkeyPatch) -> BundleDetector:
    monkeypatch.setattr(bundled._find, "graph", Candidates())
    return bundled


def test_the_best_of_boxes_of_a_class_that_overlap_in_pixels_of_the_photo(detector: BundleDetector):
    found = detector.predict(Image.new("RGB", (200, 100)), same_place_iou=1)
    assert [(region.text, region.box) for region in found] == [
        ("cat", (0, 0, 100, 100)),
        ("dog", (0, 0, 100, 100)),
        ("cat", (100, 50, 200, 100)),
    ]
    assert [region.score for region in found] == pytest.approx([0.9, 0.7, 0.5])
    assert (found.size, found.model) == ((200, 100), "coco-nanodet")


def test_one_object_is_of_one_class(detector: BundleDetector):
    photo = Image.new("RGB", (200, 100))
    assert [(each.text, each.score) for each in detector.predict(photo)] == [
        ("cat", pytest.approx(0.9)),
        ("cat", pytest.approx(0.5)),
    ]
    assert [each.score for each in detector.predict(photo, top=2)] == pytest.approx([0.9, 0.5])
    with pytest.raises(UsageError, match="same_place_iou must be from 0 to 1"):
        detector.check(same_place_iou=2)


def test_threshold_and_top(detector: BundleDetector):
    photos = [Image.new("RGB", (60, 60)), Image.new("RGB", (20, 40))]
    assert [[each.text for each in found] for found in detector.predict_many(photos, threshold=0.4)] == [
        ["cat", "cat"]
    ] * 2
    assert [each.text for each in detector.predict(photos[0], threshold=0.6)] == ["cat"]
    assert [each.text for each in detector.predict(photos[0], top=1)] == ["cat"]
    assert not detector.predict(photos[0], threshold=0.95).regions


class Proposals:
    """Stands for a graph that moves three anchors of an input of 416 pixels; one has no area."""

    def run(self, feeds: dict[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        boxes = np.array([[0, 0, 208, 416], [104, 0, 104, 416], [208, 208, 416, 416]], np.float32)
        outputs = {"boxes": boxes, "logits": np.array([0.0, 2.0, 1.0], np.float32)}
        return [np.stack([outputs[name]] * len(feeds["images"])) for name in names]


def test_proposals_are_in_pixels_of_the_photo_best_first(bundled: BundleDetector, monkeypatch: pytest.MonkeyPatch):
    photos = [Image.new("RGB", (200, 100)), Image.new("RGB", (20, 10))]
    assert not bundled.proposes
    with pytest.raises(UsageError, match="coco-nanodet proposes no boxes of its own"):
        bundled.propose_many(photos, top=5)
    find = object.__new__(TwoGraphs)
    find.rules, find._proposals = ProposalRules(compared=3, nms_iou=0.7, most=1), Proposals()
    monkeypatch.setattr(bundled, "_find", find)
    assert bundled.proposes
    first, second = bundled.propose_many(photos, top=5)
    assert [region.box for region in first] == [(100, 50, 200, 100), (0, 0, 100, 100)]
    assert [region.score for region in first] == pytest.approx([1 / (1 + np.exp(-1)), 0.5])
    assert second.regions[0].box == (10, 5, 20, 10)
    assert [len(each.regions) for each in bundled.propose_many(photos, top=1)] == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"threshold": 1.1}, "threshold must be from 0 to 1"), ({"top": 0}, "top must be at least")],
)
def test_options_out_of_range(bundled: BundleDetector, options: dict[str, float], message: str):
    with pytest.raises(UsageError, match=message):
        bundled.check(**options)


def test_the_bundled_detector_finds_the_officer_and_the_tie(bundled: BundleDetector):
    found = bundled.predict(EXAMPLES / "officer.jpg")
    person = found[0]
    assert (person.text, person.score > 0.6) == ("person", True)
    width, height = found.size
    assert person.box[0] < 0.1 * width
    assert person.box[2] > 0.8 * width
    assert person.box[3] > 0.8 * height
    assert "tie" in [each.text for each in found]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("labels"), "lacks 'labels'"),
        (lambda content: content["settings"].clear(), "lacks 'settings.selection'"),
        (lambda content: content["settings"]["selection"].pop("nms_iou"), "selection lacks 'nms_iou'"),
        (lambda content: content["settings"]["selection"].update(threshold=2), "expected numbers from 0 to 1"),
    ],
)
def test_a_damaged_description_is_told(tmp_path: Path, change, message: str):
    folder = tmp_path / "damaged"
    shutil.copytree(bundled_models()["coco-nanodet"], folder)
    content = json.loads((folder / "model.json").read_text())
    change(content)
    (folder / "model.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=message):
        BundleDetector(Bundle.load(folder))


@pytest.mark.slow
def test_the_command_writes_rows_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    picture = tmp_path / "objects.png"
    photo = str(EXAMPLES / "officer.jpg")
    with pytest.raises(SystemExit, match="0"):
        main(["detect", photo, "--threshold", "0.6", "--format", "jsonl", "--output", str(picture), "--threads", "1"])
    row = json.loads(capsys.readouterr().out)
    assert [region["text"] for region in row["regions"]] == ["person"]
    with Image.open(picture) as drawn:
        assert drawn.width >= row["size"][0]
