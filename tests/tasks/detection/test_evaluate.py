from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seetell.errors import DataError
from seetell.results import Region, Regions
from seetell.tasks.detection.evaluate import evaluate
from seetell.tasks.evaluation import DataOptions


class KnowsDogs:
    """Finds a dog in the left half of every photo."""

    name, labels = "knows-dogs", ("dog", "cat")

    def check(self, **options: object) -> None: ...

    def predict_many(self, paths: list[Path], **options: object):
        for path in paths:
            with Image.open(path) as photo:
                width, height = photo.size
            yield Regions((Region("dog", (0, 0, width / 2, height), 0.8),), photo.size, self.name)


@pytest.fixture
def dogs(tmp_path: Path) -> Path:
    (tmp_path / "data.yaml").write_text("val: images/val\nnames: [dog, cat]\n")
    for folder in ("images/val", "labels/val"):
        (tmp_path / folder).mkdir(parents=True)
    for name, boxes in {"left": "0 0.25 0.5 0.5 1\n", "right": "0 0.75 0.5 0.5 1\n1 0.5 0.5 1 1\n"}.items():
        Image.new("RGB", (80, 40)).save(tmp_path / f"images/val/{name}.png")
        (tmp_path / f"labels/val/{name}.txt").write_text(boxes)
    return tmp_path


def test_boxes_are_compared_in_pixels_of_the_photo(dogs: Path):
    evaluation = evaluate(KnowsDogs(), DataOptions(dogs))
    half = 51 / 101  # the first of two detections is right: recalls up to 0.5 have a precision of 1
    voc = {"VOC2007": 6 / 11 / 2, "VOC2010": 0.5 / 2}
    assert evaluation.scores == pytest.approx({"AP": half / 2, "AP50": half / 2, "boxes": 3, "photos": 2, **voc})
    assert evaluation.to_dict()["classes"] == pytest.approx({"dog": half, "cat": 0})
    assert [row["image"] for row in evaluation.rows] == ["left.png", "right.png"]


def test_a_class_that_the_detector_does_not_know(dogs: Path):
    (dogs / "data.yaml").write_text("val: images/val\nnames: [dog, axolotl]\n")
    with pytest.raises(DataError, match="knows-dogs does not know the classes axolotl"):
        evaluate(KnowsDogs(), DataOptions(dogs))


def test_lines_that_are_skipped_are_told(dogs: Path):
    assert evaluate(KnowsDogs(), DataOptions(dogs)).notes == ()
    labels = dogs / "labels/val/left.txt"
    labels.write_text(labels.read_text() + "0 0.5\n" * 7)
    told = evaluate(KnowsDogs(), DataOptions(dogs)).notes
    assert len(told) == 6
    assert told[0].startswith(f"{labels}:2: expected one of 2 classes")
    assert told[5] == "… 2 more problems of the data set"
