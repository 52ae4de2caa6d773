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
import pytest

from seetell.data.entity_records import Entity, EntityPhoto, Phrase, Sentence
from seetell.data.records import PhotoRecord

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
        {"photo": "a", "word": "dog", "method": "occlusion", "points": True, "deletion": 0.5},
        {"photo": "a", "word": "cat", "method": "occlusion", "points": False},
        {"photo": "a", "word": "dog", "method": "centre", "points": True},
    ]
    assert script.summary(rows) == {
        "occlusion": {"words": 2, "points": 0.5, "deletion": 0.5},
        "centre": {"words": 1, "points": 1.0},
    }


def test_rank_correlation(script: ModuleType):
    values = np.arange(12.0).reshape(3, 4)
    assert script.rank_correlation(values, values**3) == pytest.approx(1)
    assert script.rank_correlation(values, -values) == pytest.approx(-1)


@pytest.mark.slow
def test_one_photo_is_measured(tmp_path: Path):
    if not (DATA / "flickr30k_entities").is_dir():
        pytest.skip(f"there is no {DATA / 'flickr30k_entities'}")
    command = [sys.executable, SCRIPT, DATA / "flickr8k", DATA / "flickr30k_entities", "--photos", "1", "--sanity", "1"]
    done = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) >= {"centre", "attention", "occlusion", "saliency", "grad-cam"}
    assert all(0 <= each["energy"] <= 1 for each in found.values())
    assert "alike: captioner+encoder" in found["grad-cam"]
