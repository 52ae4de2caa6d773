from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from captioned_shapes import write_shapes

import seetell
from seetell.data import read
from seetell.errors import BundleError, PhotoError, UsageError
from seetell.export.alignment_writer import export_aligner
from seetell.runtime.aligner import Aligner
from seetell.runtime.alignment_bundle import AlignmentBundle
from seetell.runtime.bundle import Bundle
from seetell.training.alignment_recipe import alignment_recipe_from_dict
from seetell.training.alignment_trainer import AlignmentTrainer


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="module")
def run(shapes, tmp_path_factory) -> Path:
    """An aligner that learnt the shapes by heart."""
    folder = tmp_path_factory.mktemp("run")
    small = {"width": 16, "components": 32, "windows": [2], "word_size": 8, "hidden_size": 8}
    recipe = alignment_recipe_from_dict(
        {
            "kind": "align",
            "name": "shapes",
            "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1, "flip": False},
            "encoder": {"image_size": 64, "cache": str(folder / "cache")},
            "aligner": {
                **small,
                "sentence": "convolution",
                "dropout": 0.0,
                "feature_dropout": 0.0,
                "word_dropout": 0.0,
            },
            "optimiser": {"name": "adam", "learning_rate": 1e-2, "alpha": 0.9, "clip": 5.0, "clip_kind": "norm"},
            "validation": {"every": 80},
            "card": {"licence": "CC0", "training_data": "twelve shapes", "terms": "none"},
            "batch_size": 10,
            "steps": 80,
            "threads": 1,
        }
    )
    AlignmentTrainer(recipe, read(shapes), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "shapes"
    export_aligner(run, target)
    return target


@pytest.fixture(scope="module")
def model(bundle) -> Aligner:
    return seetell.load(bundle, threads=1)


def test_the_bundle_says_what_it_is(bundle):
    loaded = AlignmentBundle.load(bundle)
    assert (loaded.name, loaded.precision, set(loaded.encoders)) == ("shapes", "int8", {"int8", "fp32"})
    np.testing.assert_allclose(loaded.boxes[:2], [[0, 0, 1, 1], [0, 0, 2 / 3, 2 / 3]])
    assert len(loaded.boxes) == 5
    loaded.verify()
    card = loaded.card()
    assert "CC0" in card
    assert "| val | search |" in card


def test_photos_find_their_sentences(model, shapes):
    """Both ways, and with the 8-bit encoder."""
    train = read(shapes).split("train")
    images = model.embed_images([photo.path for photo in train])
    sentences = model.embed_sentences([photo.captions[0] for photo in train])
    scores = model.score(images, sentences)
    assert scores.shape == (10, 10)
    assert scores.dtype == np.float32
    assert scores.argmax(axis=0).tolist() == scores.argmax(axis=1).tolist() == list(range(10))
    np.testing.assert_allclose(model.score(images[2:5], sentences), scores[2:5], rtol=1e-4, atol=1e-4)


def test_word_scores_sum_up_to_the_score(model, shapes):
    photo = read(shapes).photos[0].path
    image, sentences = model.embed_images([photo]), model.embed_sentences(["A red square.", "grey", ""])
    words = model.word_scores(image, sentences)
    assert [scores.shape for scores in words] == [(3, 5), (1, 5), (1, 5)]
    by_words = [scores.max(axis=1).sum() for scores in words]
    by_whole = (image.whole @ sentences.whole.T)[0]
    np.testing.assert_allclose(model.score(image, sentences)[0], by_words + by_whole, rtol=1e-4)
    assert sentences.tokens == (("a", "red", "square"), ("grey",), ("",))
    with pytest.raises(UsageError, match="expected one photo, got 2"):
        model.word_scores(model.embed_images([photo, photo]), sentences)


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


def test_the_identity_tells_models_and_precisions_apart(bundle, model):
    assert seetell.load(bundle, threads=1).identity == model.identity
    assert seetell.load(bundle, precision="fp32", threads=1).identity != model.identity


def test_an_encoder_that_is_another_models(run, bundle, shapes, tmp_path):
    """A captioner on the same encoder lends it; one that has changed since is refused."""
    from seetell.export.bundle_writer import export_run
    from seetell.training.recipe import recipe_from_dict
    from seetell.training.trainer import Trainer

    content = {
        "data": {"path": str(shapes), "min_count": 1},
        "encoder": {"image_size": 64, "cache": str(run.parent / "cache")},
        "architecture": "transformer",
        "captioner": {"width": 16, "heads": 2, "feedforward": 16, "layers": 1},
        "validation": {"language": False},
        "batch_size": 4,
        "steps": 1,
        "threads": 1,
    }
    Trainer(recipe_from_dict(content), read(shapes), tmp_path / "run").run()
    export_run(tmp_path / "run", tmp_path / "captioner", precisions=["int8"])
    export_aligner(run, tmp_path / "aligner", encoder_of="captioner")
    assert not list((tmp_path / "aligner").glob("encoder*"))
    lent, own = seetell.load(tmp_path / "aligner", threads=1), seetell.load(bundle, threads=1)
    photos = [photo.path for photo in read(shapes).photos[:3]]
    np.testing.assert_allclose(lent.embed_images(photos).whole, own.embed_images(photos).whole, atol=0.05)
    with open(tmp_path / "captioner" / "encoder.int8.onnx", "ab") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match="made for another int8 encoder"):
        AlignmentBundle.load(tmp_path / "aligner")
    shutil.rmtree(tmp_path / "captioner")
    with pytest.raises(BundleError, match="unknown model 'captioner'"):
        AlignmentBundle.load(tmp_path / "aligner")


def test_damaged_bundles_are_named(bundle, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    (broken / "photos.onnx").unlink()
    with pytest.raises(BundleError, match=r"lacks photos\.onnx"):
        AlignmentBundle.load(broken)
    description = json.loads((broken / "model.json").read_text())
    (broken / "model.json").write_text(json.dumps({**description, "kind": "caption"}))
    with pytest.raises(BundleError, match="kind 'caption'; expected 'align'"):
        AlignmentBundle.load(broken)
    del description["graphs"]
    (broken / "model.json").write_text(json.dumps(description))
    with pytest.raises(BundleError, match="lacks 'graphs'"):
        AlignmentBundle.load(broken)


def test_what_is_there_is_not_overwritten(run, bundle):
    with pytest.raises(BundleError, match="exists"):
        export_aligner(run, bundle)


def test_a_captioner_is_not_made_of_it(bundle):
    with pytest.raises(BundleError, match="kind 'align'; expected 'caption'"):
        Bundle.load(bundle)


def test_a_phrase_is_found_in_a_photo(bundle, shapes):
    model = seetell.load(str(bundle))
    photo = sorted(path for path in shapes.rglob("*") if path.suffix in {".png", ".jpg"})[0]
    image = model.embed_images([photo], with_grid=True)
    sentences = model.embed_sentences(["a red circle", "a circle"])
    found = model.ground(image, sentences, [(0, 1, 3), (1, 0, 2)])
    rows, columns = model.bundle.grid
    assert found.boxes.shape == (2, 4) and found.points.shape == (2, 2) and found.heat.shape == (2, rows, columns)
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all() and (found.heat >= 0).all()
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), 1, rtol=1e-5)
    with pytest.raises(UsageError, match="with_grid"):
        model.ground(model.embed_images([photo]), sentences, [(0, 0, 1)])
    with pytest.raises(UsageError, match="run of its words"):
        model.ground(image, sentences, [(0, 1, 4)])
