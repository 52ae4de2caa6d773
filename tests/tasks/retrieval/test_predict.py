from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runtime.tiny_aligner import write_tiny_aligner
from runtime.tiny_tagger import add_tagger

import seetell
from seetell.errors import PhotoError, UsageError
from seetell.tasks.retrieval.predict import TRUST, BundleEmbedder


@pytest.fixture(scope="module")
def model(tiny_aligner: Path) -> BundleEmbedder:
    return seetell.load(tiny_aligner, threads=1)


def test_an_index_gets_vectors_of_whole_images(model: BundleEmbedder, tmp_path: Path):
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


def test_a_model_that_tags_images_keeps_what_it_found(tmp_path: Path):
    plain = seetell.load(write_tiny_aligner(tmp_path / "plain"), threads=1)
    tagging = seetell.load(add_tagger(write_tiny_aligner(tmp_path / "tagging"), graphs=("tag_encoder",)), threads=1)
    assert len(plain.preprocessings) == 1
    assert len(tagging.preprocessings) == 3
    red = [Image.new("RGB", (32, 32), (250, 0, 0))] * 2
    assert tagging.embed_images(red).tags is None
    found = tagging.embed_images(red, with_grid=True)
    assert {name: tag.shape for name, tag in found.tags.items()} == {
        "objects": (2, 3),
        "object_boxes": (2, 3, 5),
        "imagenet": (2, 5),
        "detections": (2, 20, 6),
    }
    assert found[1:].tags["objects"].shape == (1, 3)
    np.testing.assert_allclose(found.whole, plain.embed_images(red).whole)
    cells = tagging.embed_cells(found[:1])
    np.testing.assert_allclose(cells, plain.embed_cells(plain.embed_images(red[:1], with_grid=True)), rtol=1e-5)


def test_searches_trust_the_encoder_less_the_fewer_words_there_are(tmp_path: Path):
    settings = {"max_words": 8, "grid": [2, 2], "regions": [[0, 0, 1, 1]], "word_evidence": 1}
    model = seetell.load(write_tiny_aligner(tmp_path / "model", settings=settings), threads=1)
    whole = model.embed_sentences(["blue", "a red square"]).whole
    blue, square = model.sentence_vectors(["blue", "a red square"])
    assert blue == pytest.approx([*(whole[0, :2] * TRUST / 5), whole[0, 2]])
    assert square == pytest.approx([*(whole[1, :2] * TRUST * 2 / 5), whole[1, 2]])


@pytest.mark.slow
def test_searches_take_the_evidence_of_the_detected_class():
    model = seetell.load("retrieval", threads=1)
    evidence = model.bundle.setting("word_evidence", int)
    assert model.read("a poodle").read_as == {}
    assert model.read_query("a poodle").note == "read as: poodle as dog"
    poodle, dog = model.sentence_vectors(["a poodle", "a dog"])
    np.testing.assert_array_equal(poodle[-evidence:], dog[-evidence:])
    assert not np.allclose(poodle[:-evidence], dog[:-evidence])  # what the encoder makes of the word itself
