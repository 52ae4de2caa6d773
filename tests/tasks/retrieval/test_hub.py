"""CLIP and SigLIP with random weights: embedded, indexed and searched as any other model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seetell
from seetell.errors import PhotoError, PhotoIndexError, UsageError
from seetell.search.photo_index import PhotoIndex
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.retrieval.evaluate import evaluate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["clip", "siglip"])
def embedder(request: pytest.FixtureRequest, tiny_hub):
    return seetell.load(tiny_hub(request.param), task="retrieval", threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, colour in {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250)}.items():
        Image.new("RGB", (60, 40), colour).save(folder / f"{name}.png")
    return folder


def test_vectors_are_the_networks_own(embedder, folder: Path):
    import torch

    images = [Image.open(folder / f"{name}.png") for name in ("red", "green")]
    model, texts = embedder.model, ["a dog on grass", "a red ball"]
    padding = "max_length" if embedder.source.model_type == "siglip" else True
    with torch.no_grad():
        inputs = model.processor(images=images, text=texts, return_tensors="pt", padding=padding, truncation=True)
        outputs = model.network(**inputs)
    embedded = embedder.embed_images([folder / "red.png", folder / "green.png"])
    sentences = embedder.embed_sentences(texts)
    np.testing.assert_allclose(embedded.whole, outputs.image_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(sentences.whole, outputs.text_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(embedder.score(embedded, sentences), embedded.whole @ sentences.whole.T, atol=1e-6)
    assert len(embedder.embed_sentences([])) == len(embedder.embed_images([])) == 0


def test_every_word_is_known(embedder):
    reading = embedder.read_query("An axolotl, swimming")
    assert (reading.note, reading.content_words) == ("", ("an", "axolotl", "swimming")[1:])
    with pytest.raises(UsageError, match="names nothing that a photo can show"):
        embedder.sentence_vectors(["of the"])
    assert embedder.sentence_vectors(["dog " * 200]).shape[0] == 1  # which is cut


def test_photos_are_indexed_and_searched(embedder, folder: Path, tmp_path: Path):
    (folder / "no.jpg").write_bytes(b"no")
    with PhotoIndex(tmp_path / "index", embedder) as index:
        done = index.update([str(folder)])
        assert (done.added, list(done.failures)) == (3, [str(folder / "no.jpg")])
        hits = index.search("a red dog")
        assert {Path(hit.photo).stem for hit in hits} == {"red", "green", "blue"}
        assert Path(index.search(image=str(folder / "red.png"))[0].photo).stem == "red"
    assert isinstance(embedder.photo_vectors([str(folder / "no.jpg")])[0], PhotoError)


def test_an_index_of_another_model_is_refused(tiny_hub, folder: Path, tmp_path: Path):
    clip, siglip = (seetell.load(tiny_hub(kind), task="retrieval", threads=1) for kind in ("clip", "siglip"))
    with PhotoIndex(tmp_path / "index", clip) as index:
        index.update([str(folder / "red.png")])
    with PhotoIndex(tmp_path / "index", siglip) as index, pytest.raises(PhotoIndexError, match="was made with"):
        index.search("a dog")


def test_what_it_is_counts_and_not_where_it_lies(tiny_hub, tmp_path: Path):
    def identity(folder: Path) -> str:
        return seetell.load(folder, task="retrieval", threads=1).identity

    copy = Path(shutil.copytree(tiny_hub("clip"), tmp_path / "copy"))
    (copy / "README.md").write_text("moved")
    assert identity(copy) == identity(tiny_hub("clip"))
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert identity(copy) != identity(tiny_hub("clip"))


def test_retrieval_is_evaluated(embedder, folder: Path, tmp_path: Path):
    table = tmp_path / "captions.csv"
    table.write_text("".join(f"{folder / name}.png,a {name} photo\n" for name in ("red", "green", "blue")))
    rows = "image,caption\n" + table.read_text()
    table.write_text(rows)
    evaluation = evaluate(embedder, DataOptions(table), split="train")
    assert evaluation.scores["photos"] == 3
