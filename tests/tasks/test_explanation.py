from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tasks.grounding.test_predict import SENTENCE, halves

import seetell
from seetell.errors import NotPredictedError, PhotoError, UsageError
from seetell.explain.methods import GRADIENTS, METHODS, gradient_method
from seetell.results import Explanation, HeatMap, Label, Labels, Region, Regions
from seetell.tasks.classification.classifier import Classifier
from seetell.tasks.detection.detector import Detector, Wanted
from seetell.tasks.explanation import check_methods, explain
from seetell.tasks.registry import tasks

RED_LEFT = halves()
GIRAFFES = Path(__file__).parents[2] / "examples" / "giraffes.jpg"
LINE = np.zeros((1, 4000, 3), np.uint8)


class Reddish(Classifier[np.ndarray]):
    """Says how red the left half is."""

    labels = ("red", "other")

    def prepare(self, image, text: str = "") -> np.ndarray:
        return np.asarray(image)

    def _predict(self, batch, sample_ids, *, top: int) -> list[Labels]:
        found = []
        for image in batch:
            red = float(image[:, : image.shape[1] // 2, 0].mean() / 256)
            labels = sorted((Label("red", red), Label("other", 1 - red)), key=lambda label: -label.score)
            found.append(Labels(tuple(labels[:top]), self.name))
        return found


class Squares(Detector[np.ndarray]):
    """Finds the red half as a square, the surer the redder it is, and a blue one that is always there."""

    labels = ("red", "blue")
    threshold = 0.2

    def prepare(self, image, text: str = "") -> np.ndarray:
        return np.asarray(image)

    def _predict(self, batch, sample_ids, *, wanted: Wanted) -> list[Regions]:
        found = []
        for image in batch:
            height, width = image.shape[:2]
            red = float(image[:, : width // 2, 0].mean() / 256)
            regions = (
                Region("red", (0, 0, width / 2, height), red),
                Region("blue", (width / 2, 0, width, height), 0.5),
            )
            found.append(
                Regions(tuple(each for each in regions if each.score >= wanted.threshold), (width, height), self.name)
            )
        return found


def left_and_right(part: Explanation) -> tuple[float, float]:
    values = part.maps[-1].values
    half = values.shape[1] // 2
    return float(values[:, :half].mean()), float(values[:, half:].mean())


@pytest.mark.slow
def test_what_is_explained_is_the_answer_of_the_command():
    classifier = seetell.load("classify", threads=1)
    labels = classifier.predict(GIRAFFES, top=3)
    with open(GIRAFFES, "rb") as file:
        for source in (GIRAFFES, file):
            found = explain(classifier, source, cells=2)
            assert found.answer == ", ".join(f"{label.text} {label.score:.0%}" for label in labels)
            assert [part.text for part in found.parts] == [label.text for label in labels]
            assert np.exp([part.score for part in found.parts]) == pytest.approx([label.score for label in labels])


def test_a_class_is_where_its_probability_falls():
    found = explain(Reddish("reddish", threads=1), RED_LEFT, names=["red"])
    (part,) = found.parts
    assert part.text == "red"
    left, right = left_and_right(part)
    assert left > 3 * abs(right)
    likeliest = explain(Reddish("reddish", threads=1), RED_LEFT, cells=2)
    assert [each.text for each in likeliest.parts] == ["red", "other"]
    with pytest.raises(UsageError, match="reddish: unknown class 'green'"):
        explain(Reddish("reddish", threads=1), RED_LEFT, names=["green"])


def test_an_object_is_where_it_is_no_longer_found():
    found = explain(Squares("squares", threads=1), RED_LEFT)
    red, blue = sorted(found.parts, key=lambda part: part.text != "red")
    left, right = left_and_right(red)
    assert left > 3 * abs(right)
    assert left_and_right(blue) == (0, 0)
    assert [each.box for each in (red, blue)] == [(0, 0, 32, 48), (32, 0, 64, 48)]
    with pytest.raises(NotPredictedError, match="no red is found in the image; found are: blue"):
        explain(Squares("squares", threads=1), np.zeros((30, 40, 3), np.uint8), names=["red"])


def test_a_class_that_is_none_is_told_from_one_that_is_not_there():
    with pytest.raises(UsageError, match="squares: unknown class 'rad'") as caught:
        explain(Squares("squares", threads=1), RED_LEFT, names=["Red", "rad"])
    assert not isinstance(caught.value, NotPredictedError)


@pytest.mark.slow
def test_a_large_photo_is_explained_in_its_own_pixels():
    large = RED_LEFT.resize((2600, 1950))
    (part, _) = explain(Squares("squares", threads=1), large, cells=2).parts
    assert part.maps[0].box == (0, 0, 2600, 1950)
    assert part.score == pytest.approx(explain(Squares("squares", threads=1), RED_LEFT).parts[0].score, abs=0.02)


def test_a_phrase_is_where_its_words_fit(tiny_aligner: Path):
    aligner = seetell.load(tiny_aligner, task="align", threads=1)
    found = explain(aligner, RED_LEFT, text=SENTENCE, cells=4)
    assert [part.text for part in found.parts] == ["a red square", "on a blue square", SENTENCE]
    red, blue, whole = found.parts
    assert left_and_right(red)[0] > left_and_right(red)[1]
    assert left_and_right(blue)[1] > left_and_right(blue)[0]
    assert whole.score == pytest.approx(aligner.align(RED_LEFT, SENTENCE).score, abs=1e-4)
    assert [part.text for part in explain(aligner, RED_LEFT, text=SENTENCE, names=["blue"], cells=2).parts] == ["blue"]
    with pytest.raises(UsageError, match="expected the sentence that is aligned"):
        explain(aligner, RED_LEFT)


def test_a_search_hit_is_where_the_words_fit(tiny_aligner: Path):
    embedder = seetell.load(tiny_aligner, task="retrieval", threads=1)
    if not embedder.embed_images([RED_LEFT]).whole.size:
        pytest.skip("the tiny aligner embeds no whole images")
    found = explain(embedder, RED_LEFT, text="red square", cells=4)
    assert found.parts[0].text == "red square"
    with pytest.raises(UsageError, match="expected what the image was searched by"):
        explain(embedder, RED_LEFT)


def test_every_declared_part_can_be_imported():
    for task in tasks().values():
        if task.explain:
            assert callable(task.load("explain"))
        if task.network:
            assert task.explain
            assert callable(task.load("network"))
    assert {*GRADIENTS} < {*METHODS}
    assert all(callable(gradient_method(name)) for name in GRADIENTS)


def test_a_task_that_cannot_be_explained_says_which_can():
    with pytest.raises(UsageError, match="segmentation cannot be explained; models of these tasks can: caption"):
        check_methods("segmentation", [])
    with pytest.raises(UsageError, match=r"saliency needs gradients, which detection has none of; .*caption, classify"):
        check_methods("detection", ["saliency"])


def test_large_maps_are_averaged_for_json():
    values = np.arange(64 * 40, dtype=np.float64).reshape(64, 40)
    heat_map = HeatMap("saliency", values, (0, 0, 40, 64))
    averaged = heat_map.averaged(32)
    assert averaged.shape == (32, 32)
    assert averaged[0, 0] == pytest.approx(values[:2, :1].mean())
    assert averaged.mean() == pytest.approx(values.mean(), rel=0.02)
    assert len(heat_map.to_dict()["values"]) == 32
    assert np.array_equal(heat_map.averaged(64), values)


def test_a_line_of_pixels_is_explained():
    assert explain(Reddish("reddish", threads=1), LINE, names=["red"], cells=2).size == (4000, 1)


def test_a_photo_without_objects_fails_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Squares, "threshold", 0.9)
    with pytest.raises(PhotoError, match="no object is found in the image"):
        explain(Squares("squares", threads=1), LINE)
