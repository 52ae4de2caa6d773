from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from captioned_shapes import write_shape_boxes, write_shapes

import seetell
from seetell.cli.main import main
from seetell.data import read
from seetell.data.entities import read_entities
from seetell.errors import BundleError, CheckpointError, PhotoError, UsageError
from seetell.runtime.bundle import Bundle
from seetell.tasks.grounding.config import GroundingRecipe
from seetell.tasks.grounding.models.grounder import GrounderConfig
from seetell.tasks.grounding.train import GroundingTrainer
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task
from seetell.tasks.retrieval.config import alignment_recipe_from_dict
from seetell.tasks.retrieval.export import export_aligner
from seetell.tasks.retrieval.predict import Embedder
from seetell.tasks.retrieval.train import AlignmentTrainer
from seetell.tasks.retrieval.trained import load_trained_aligner
from seetell.training.checkpoint import read_checkpoint, write_checkpoint
from seetell.training.optimisers import OptimiserConfig
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_folder import RunFolder

pytestmark = pytest.mark.slow  # trains, traces and quantises a whole model


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
                "sentence_encoder": "convolution",
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
def model(bundle) -> Embedder:
    return seetell.load(bundle, threads=1)


def test_the_bundle_says_what_it_is(bundle):
    loaded = Bundle.load(bundle)
    assert (loaded.name, loaded.task, loaded.precisions("encoder")) == ("shapes", "retrieval", ("int8", "fp32"))
    np.testing.assert_allclose(loaded.settings["regions"][:2], [[0, 0, 1, 1], [0, 0, 2 / 3, 2 / 3]])
    assert len(loaded.settings["regions"]) == 5
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


def test_word_scores_sum_up_to_the_score(bundle, model, shapes):
    grounder = load_for(find_task("align"), bundle, threads=1)
    photo = read(shapes).photos[0].path
    image, sentences = model.embed_images([photo]), model.embed_sentences(["A red square.", "grey", ""])
    words = grounder.word_scores(image, sentences)
    assert [scores.shape for scores in words] == [(3, 5), (1, 5), (1, 5)]
    by_words = [scores.max(axis=1).sum() for scores in words]
    by_whole = (image.whole @ sentences.whole.T)[0]
    np.testing.assert_allclose(model.score(image, sentences)[0], by_words + by_whole, rtol=1e-4)
    assert sentences.tokens == (("a", "red", "square"), ("grey",), ("",))
    with pytest.raises(UsageError, match="expected one photo, got 2"):
        grounder.word_scores(model.embed_images([photo, photo]), sentences)


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
    from seetell.tasks.captioning.export import export_run
    from seetell.tasks.captioning.train import Trainer
    from seetell.training.config import recipe_from_dict

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
    with pytest.raises(BundleError, match="made for another encoder"):
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


def test_what_is_there_is_not_overwritten(run, bundle):
    with pytest.raises(BundleError, match="exists"):
        export_aligner(run, bundle)


PHRASES = ["A red square.", "There is a blue circle on grey."], [(0, 0, 3), (1, 2, 5), (1, 3, 5)]


def test_phrases_are_located_by_their_words(bundle, shapes):
    grounder = load_for(find_task("align"), bundle)
    model = grounder.embedder
    assert "grounding" not in model.bundle.graphs
    image = model.embed_images([shapes / "red-square.png"], with_grid=True)
    sentences = model.embed_sentences(PHRASES[0])
    found = grounder.ground(image, sentences, PHRASES[1])
    assert [part.shape for part in (found.boxes, found.points, found.heat)] == [(3, 4), (3, 2), (3, *model.bundle.grid)]
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), 1, rtol=1e-5)
    with pytest.raises(UsageError, match="with_grid"):
        grounder.ground(model.embed_images([shapes / "red-square.png"]), sentences, PHRASES[1])
    with pytest.raises(UsageError, match="span of its words"):
        grounder.ground(image, sentences, [(0, 1, 4)])


def test_embeddings_carry_the_grid_only_where_asked(bundle, shapes):
    model, paths = seetell.load(str(bundle)), [shapes / "red-square.png", shapes / "blue-circle.png"]
    assert model.embed_images(paths).grid is None
    with_grid = model.embed_images(paths, with_grid=True)
    assert with_grid.grid.shape[:2] == (2, np.prod(model.bundle.grid))
    np.testing.assert_array_equal(with_grid[1:].grid, with_grid.grid[1:])


@pytest.fixture(scope="module")
def grounding_run(run, shapes, tmp_path_factory) -> Path:
    """A grounder that learnt where the shapes are."""
    folder = tmp_path_factory.mktemp("grounding")
    recipe = GroundingRecipe(
        start_from=str(run),
        boxes=str(write_shape_boxes(folder / "entities")),
        grounder=GrounderConfig(width=8, maps=2, mixer_hidden_size=4, hidden_size=8),
        optimiser=OptimiserConfig(learning_rate=1e-2, clip=0.0),
        phrases_per_photo=2,
        batch_size=8,
        steps=60,
    )
    model = load_trained_aligner(RunFolder(run))
    GroundingTrainer(recipe, model, read_entities(recipe.boxes, read(shapes)), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="module")
def grounding_bundle(run, grounding_run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "grounding"
    description = export_aligner(run, target, precisions=("fp32",), grounding=grounding_run)
    assert description["parity"]["grounding_box_max_difference"] < 1e-2
    return target


def test_a_grounder_comes_along(bundle, grounding_bundle, shapes):
    grounder = seetell.load(grounding_bundle)
    model = grounder.embedder
    image = model.embed_images([shapes / "red-square.png"], with_grid=True)
    sentences = model.embed_sentences(PHRASES[0])
    found = grounder.ground(image, sentences, PHRASES[1])
    np.testing.assert_allclose(found.boxes[:2], [[0.25, 0.25, 0.75, 0.75]] * 2, atol=0.12)
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), 1, rtol=1e-5)
    alone = grounder.ground(image, sentences, PHRASES[1][1:2])
    np.testing.assert_allclose(alone.boxes[0], found.boxes[1], atol=1e-5)
    assert grounder.ground(image, sentences, []).heat.shape == (0, *model.bundle.grid)
    assert "a point that is right" in model.bundle.card()


def test_an_index_stays_when_only_the_grounder_is_another(grounding_bundle, tmp_path):
    other = shutil.copytree(grounding_bundle, tmp_path / "other")
    description = json.loads((other / "model.json").read_text())
    description["files"]["grounding.onnx"] = "0" * 64
    (other / "model.json").write_text(json.dumps(description))
    assert seetell.load(other).embedder.identity == seetell.load(grounding_bundle).embedder.identity


def test_a_grounder_of_another_aligner_is_refused(run, grounding_run, tmp_path):
    other = shutil.copytree(run, tmp_path / "run")
    parts, facts = read_checkpoint(other / "best.safetensors")
    parts["aligner"]["word.bias"] += 1
    write_checkpoint(other / "best.safetensors", parts, facts)
    with pytest.raises(CheckpointError, match="trained for another aligner"):
        export_aligner(other, tmp_path / "bundle", grounding=grounding_run)


def test_evaluation_of_the_bundle(grounding_bundle, grounding_run, shapes, capsys):
    boxes = load_any_recipe(grounding_run / "recipe.yaml").boxes
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(grounding_bundle), "--data", str(shapes), "--split", "train", "--boxes", boxes])
    assert not ended.value.code
    scores = json.loads(capsys.readouterr().out)
    assert (scores["photos"], scores["sentences"]) == (10, 20)
    assert scores["annotation_R@10"] == 100
    assert scores["search_median"] < 3
    assert (scores["phrases_R@1"], scores["phrases_pointing"]) == (100, 100)
    located = scores["localisation"]
    assert located["model"]["overall"]["phrases"] == 20
    assert located["model"]["overall"]["recall"] == 100
    assert located["model"]["by_type"]["other"] == located["model"]["overall"]
    assert located["whole_photo"]["overall"] == {"phrases": 20, "recall": 0, "pointing": 100}
    assert located["constant_box"]["overall"]["recall"] == 100


def test_embeddings_have_no_settings(bundle, shapes, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(bundle), "--data", str(shapes), "--set", "beam_size=2"])
    assert ended.value.code == 2
    assert "leave" in capsys.readouterr().err
