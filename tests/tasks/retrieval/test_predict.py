from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_aligner import write_tiny_aligner

import seetell
from seetell.errors import PhotoError, UsageError
from seetell.tasks.retrieval.predict import Embedder


@pytest.fixture(scope="module")
def model(tiny_aligner: Path) -> Embedder:
    return seetell.load(tiny_aligner, threads=1)


def test_an_index_gets_vectors_of_whole_images(model: Embedder, tmp_path: Path):
    for name, colour in {"red": (250, 0, 0), "blue": (0, 0, 250)}.items():
        Image.new("RGB", (32, 32), colour).save(tmp_path / f"{name}.png")
    paths = [str(tmp_path / f"{name}.png") for name in ("blue", "absent", "red")]
    blue, absent, red = model.photo_vectors(paths)
    assert isinstance(absent, PhotoError)
    sentences = model.sentence_vectors(["a red square", "blue"])
    assert sentences.shape == (2, 3)
    assert (np.stack([red, blue]) @ sentences.T).argmax(axis=1).tolist() == [0, 1]


def test_a_model_of_regions_makes_no_index(tmp_path: Path):
    model = seetell.load(write_tiny_aligner(tmp_path / "regions", compared=("regions",)), threads=1)
    for call in (model.photo_vectors, model.sentence_vectors):
        with pytest.raises(UsageError, match="compares words with regions only, which an index does not hold"):
            call(["red"])
