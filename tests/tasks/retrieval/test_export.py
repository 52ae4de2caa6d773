from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from training_runs import configured, loop_of

import seetell
from seetell.cli.main import main
from seetell.data import read
from seetell.errors import BundleError, PhotoError, UsageError
from seetell.export.exporter import export_run
from seetell.runtime.bundle import Bundle
from seetell.tasks.registry import find_task
from seetell.tasks.retrieval.predict import BundleEmbedder

pytestmark = pytest.mark.slow  # trains, traces and quantises a whole model


@pytest.fixture(scope="module")
def bundle(aligner_run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "shapes"
    export_run(aligner_run, target, find_task=find_task)
    return target


@pytest.fixture(scope="module")
def model(bundle) -> BundleEmbedder:
    return seetell.load(bundle, threads=1)


@pytest.mark.nightly
def test_the_bundle_is_complete_and_described(bundle):
    loaded = Bundle.load(bundle)
    loaded.verify()
    encoder = loaded.graphs["encoder"]
    assert (loaded.name, loaded.task, encoder.default) == ("shapes", "retrieval", "int8")
    assert set(encoder.files) == {"int8", "fp32"}
    assert list(loaded.graphs) == ["encoder", "image_embedding", "sentence_embedding"]
    assert loaded.settings["grid"] == [2, 2]
    np.testing.assert_allclose(loaded.settings["regions"][:2], [[0, 0, 1, 1], [0, 0, 2 / 3, 2 / 3]])
    assert len(loaded.settings["regions"]) == 5
    assert set(loaded.description["parity"]) == {
        "encoder_fp32_max_difference",
        "encoder_int8_cosine_distance",
        "alignment_score_max_difference",
    }
    card = loaded.card()
    assert "CC0" in card
    assert " search_R@1 |" in card


def test_photos_find_their_sentences(model, shapes):
    """Both ways, and with the int8 encoder."""
    train = read(shapes).split("train")
    images = model.embed_images([photo.path for photo in train])
    sentences = model.embed_sentences([photo.captions[0] for photo in train])
    scores = model.score(images, sentences)
    assert scores.shape == (10, 10)
    assert scores.dtype == np.float32
    assert scores.argmax(axis=0).tolist() == scores.argmax(axis=1).tolist() == list(range(10))
    np.testing.assert_allclose(model.score(images[2:5], sentences), scores[2:5], rtol=1e-4, atol=1e-4)


def test_nothing_to_score(model):
    assert model.score(model.embed_images([]), model.embed_sentences(["a"])).shape == (0, 1)
    assert model.score(model.embed_images([]), model.embed_sentences([])).shape == (0, 0)


def test_a_photo_that_does_not_open(model, shapes, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    good = read(shapes).photos[0].path
    with pytest.raises(PhotoError):
        model.embed_images([good, tmp_path / "broken.png"])
    first, second, third = model.embed_each([good, tmp_path / "broken.png", good])
    assert isinstance(second, PhotoError)
    np.testing.assert_allclose(first.whole, third.whole, rtol=1e-5)


def test_the_identity_differs_between_precisions(bundle, model):
    assert seetell.load(bundle, threads=1).identity == model.identity
    assert seetell.load(bundle, precision="fp32", threads=1).identity != model.identity


def test_embeddings_carry_the_grid_only_where_asked(bundle, model, shapes):
    paths = [shapes / "red-square.png", shapes / "blue-circle.png"]
    assert model.embed_images(paths).grid is None
    with_grid = model.embed_images(paths, with_grid=True)
    assert with_grid.grid.shape[:2] == (2, np.prod(model.bundle.grid))
    np.testing.assert_array_equal(with_grid[1:].grid, with_grid.grid[1:])


@pytest.mark.nightly
def test_an_encoder_that_is_another_models(aligner_run, bundle, shapes, tmp_path):
    """A captioner with the same encoder shares it; one that has changed since is refused."""
    content = {
        "task": "captioning",
        "data": {"path": str(shapes), "min_count": 1},
        "encoder": {"image_size": 64, "cache": str(aligner_run.parent / "cache")},
        "batch_size": 4,
        "steps": 1,
        "threads": 1,
        "captioning": {
            "architecture": "transformer",
            "captioner": {"width": 16, "heads": 2, "feedforward": 16, "layers": 1},
            "language_metrics": False,
        },
    }
    loop_of(configured(content), read(shapes), tmp_path / "run").run()
    export_run(tmp_path / "run", tmp_path / "captioner", find_task=find_task, precisions=["int8"])
    export_run(aligner_run, tmp_path / "aligner", find_task=find_task, encoder_of="captioner")
    assert not list((tmp_path / "aligner").glob("encoder*"))
    shared, own = seetell.load(tmp_path / "aligner", threads=1), seetell.load(bundle, threads=1)
    photos = [photo.path for photo in read(shapes).photos[:3]]
    np.testing.assert_allclose(shared.embed_images(photos).whole, own.embed_images(photos).whole, atol=0.05)
    with open(tmp_path / "captioner" / "encoder.int8.onnx", "ab") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match=r"captioner/encoder\.int8\.onnx: was changed or damaged"):
        Bundle.load(tmp_path / "aligner")
    shutil.rmtree(tmp_path / "captioner")
    with pytest.raises(BundleError, match="unknown model 'captioner'"):
        Bundle.load(tmp_path / "aligner")


def test_damaged_bundles_are_named(bundle, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    (broken / "image_embedding.onnx").unlink()
    with pytest.raises(BundleError, match=r"lacks image_embedding\.onnx"):
        Bundle.load(broken)
    description = json.loads((broken / "model.json").read_text())
    del description["graphs"]
    (broken / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match="lacks 'graphs'"):
        Bundle.load(broken)


def test_an_existing_bundle_is_not_overwritten(aligner_run, bundle):
    with pytest.raises(BundleError, match="exists"):
        export_run(aligner_run, bundle, find_task=find_task)


def test_an_aligner_generates_no_text(aligner_run, tmp_path):
    with pytest.raises(UsageError, match="a model for retrieval generates no text"):
        export_run(aligner_run, tmp_path / "bundle", find_task=find_task, decoding={"beam_size": 2})


def test_embeddings_have_no_settings(bundle, shapes, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(bundle), "--data", str(shapes), "--set", "beam_size=2"])
    assert ended.value.code == 2
    assert "leave" in capsys.readouterr().err
