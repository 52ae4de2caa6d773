"""``benchmarks/explanations.py``: which words it takes, and its means."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from seetell.data.entity_records import Entity, EntityPhoto, Phrase, Sentence
from seetell.data.records import ObjectPhoto, PhotoRecord
from seetell.results import Region, Regions
from seetell.runtime.bundle import BUNDLES, Bundle
from seetell.tasks.detection.detector import Detector, Wanted

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "explanations.py"
DATA = Path(os.environ.get("SEETELL_DATA", SCRIPT.parents[2] / "shared" / "data"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("explanations", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_last_words_of_phrases_with_boxes_are_explained(script: ModuleType):
    box = (1.0, 2.0, 3.0, 4.0)
    sentences = (
        Sentence(0, ("A", "zyx", "runs"), (Phrase(0, 2, "1", ("other",)),)),
        Sentence(1, ("A", "brown", "dog", "on", "the", "grass", "at", "noon"), (
            Phrase(0, 3, "1", ("animals",)), Phrase(4, 6, "2", ("scene",)), Phrase(7, 8, None, ("notvisual",))
        )),
    )  # fmt: skip
    photo = EntityPhoto(
        PhotoRecord("a", Path("a.jpg"), ("A dog",), "val"),
        (10, 10),
        (10, 10),
        sentences,
        {"1": Entity("1", (box,)), "2": Entity("2", (box,), scene=True)},
    )
    known = {"a", "brown", "dog", "on", "the", "grass", "at", "noon", "runs"}
    assert script.explained_words(photo, known) == (sentences[1], [(2, (box,))])
    assert script.explained_words(photo, known - {"noon"}) is None


def test_means_are_by_method(script: ModuleType):
    rows = [
        {"photo": "a", "part": "dog", "method": "occlusion", "points": True, "deletion": 0.5},
        {"photo": "a", "part": "cat", "method": "occlusion", "points": False},
        {"photo": "a", "part": "dog", "method": "centre", "points": True},
    ]
    assert script.summary(rows) == {
        "occlusion": {"parts": 2, "points": 0.5, "deletion": 0.5},
        "centre": {"parts": 1, "points": 1.0},
    }


def test_rank_correlation(script: ModuleType):
    values = np.arange(12.0).reshape(3, 4)
    assert script.rank_correlation(values, values**3) == pytest.approx(1)
    assert script.rank_correlation(values, -values) == pytest.approx(-1)


@pytest.mark.slow
def test_shuffled_weights_are_the_same_in_another_order(script: ModuleType, tmp_path: Path):
    bundle = Bundle.load(BUNDLES / "imagenet-efficientnet-lite2")
    folder = script.shuffled_bundle(bundle, ["classifier"], tmp_path / "shuffled")
    before, after = (
        [numpy_helper.to_array(array) for array in onnx.load(path / "classifier.onnx").graph.initializer]
        for path in (bundle.folder, folder)
    )
    large = [place for place, array in enumerate(before) if array.ndim > 1]
    assert large
    for place, (one, other) in enumerate(zip(before, after, strict=True)):
        assert np.array_equal(np.sort(one, axis=None), np.sort(other, axis=None))
        assert np.array_equal(one, other) == (place not in large)
    assert Bundle.load(folder).graph("encoder").read_bytes() == bundle.graph("encoder").read_bytes()


def test_objects_that_are_there_are_explained(script: ModuleType):
    image = Path(__file__).parents[2] / "examples" / "dog.jpg"
    boxes = ((0.5, 0.0, 1.0, 1.0), (0.0, 0.5, 0.2, 1.0))
    photo = ObjectPhoto("a", image, boxes, ("dog", "dog"), "val")
    assert script.boxes_by_class(photo, (40, 20)) == {"dog": [(20.0, 0.0, 40.0, 20.0), (0.0, 10.0, 8.0, 20.0)]}
    assert script.objects_found(EmptyDetector("none", threads=1), photo) is None


class EmptyDetector(Detector[np.ndarray]):
    """Finds a cat where there is a dog."""

    labels = ("cat", "dog")
    threshold = 0.5

    def prepare(self, image, text: str = "") -> np.ndarray:
        return np.asarray(image)

    def _predict(self, batch, sample_ids, *, wanted: Wanted) -> list[Regions]:
        return [Regions((Region("cat", (0, 0, 10, 10), 0.9),), (1024, 768), self.name) for _ in batch]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("what", "data"), [("words", ("flickr8k", "flickr30k_entities")), ("objects", ("coco128/object_detection",))]
)
def test_one_photo_is_measured(tmp_path: Path, what: str, data: tuple[str, ...]):
    folders = [DATA / name for name in data]
    if not folders[-1].is_dir():
        pytest.skip(f"there is no {folders[-1]}")
    command = [sys.executable, SCRIPT, what, *folders, "--photos", "1", "--sanity", "1"]
    done = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"centre", "occlusion"} <= set(found)
    assert all(0 <= each["energy"] <= 1 for each in found.values())
    assert -1 <= found["occlusion"]["alike, all"] <= 1
    if what == "words":
        assert set(found) >= {"attention", "saliency", "grad-cam"}
        assert "alike, last" in found["attention"]
