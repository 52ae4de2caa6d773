from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from captioned_shapes import write_shape_boxes
from training_runs import configured, loop_of

import seetell
from seetell.cli.main import main
from seetell.data import read
from seetell.data.entities import read_entities
from seetell.errors import CheckpointError, UsageError
from seetell.export.exporter import export_run
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.tasks.grounding.train import Training
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task
from seetell.training.checkpoint import read_checkpoint, write_checkpoint

pytestmark = pytest.mark.slow  # trains, traces and quantises a whole model

PHRASES = ["A red square.", "There is a blue circle on grey."], [(0, 0, 3), (1, 2, 5), (1, 3, 5)]


@pytest.fixture(scope="module")
def boxes(tmp_path_factory) -> Path:
    return write_shape_boxes(tmp_path_factory.mktemp("entities"))


@pytest.fixture(scope="module")
def run(aligner_run, shapes, boxes, tmp_path_factory) -> Path:
    """A grounder that learnt where the shapes are."""
    folder = tmp_path_factory.mktemp("grounding") / "run"
    content = {
        "task": "grounding",
        "init_from": str(aligner_run),
        "optimiser": {"learning_rate": 1e-2, "clip": 0.0},
        "card": {"training_data": "their boxes"},
        "batch_size": 8,
        "steps": 60,
        "grounding": {
            "boxes": str(boxes),
            "grounder": {"width": 8, "maps": 2, "mixer_hidden_size": 4, "hidden_size": 8},
            "phrases_per_photo": 2,
        },
    }
    loop_of(Training.complete(configured(content)), read_entities(boxes, read(shapes)), folder).run()
    return folder


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "grounding"
    description = export_run(run, target, find_task=find_task, precisions=("fp32",))
    assert description["parity"]["grounding_box_max_difference"] < 5e-2
    return target


@pytest.fixture(scope="module")
def model(bundle) -> PhraseGrounder:
    return seetell.load(bundle, threads=1)


@pytest.mark.nightly
def test_the_bundle_has_the_aligner_too(model):
    model.bundle.verify()
    assert (model.bundle.task, model.bundle.name) == ("grounding", "grounder")
    assert list(model.bundle.graphs) == ["encoder", "image_embedding", "sentence_embedding", "grounding"]
    card = model.bundle.card()
    for expected in ("initialised from `run`", "twelve shapes; their boxes", " search_R@1 |", " phrases_pointing |"):
        assert expected in card


def test_the_head_locates_phrases(model, shapes):
    image = model.embedder.embed_images([shapes / "red-square.png"], with_grid=True)
    sentences = model.embedder.embed_sentences(PHRASES[0])
    found = model.ground(image, sentences, PHRASES[1])
    np.testing.assert_allclose(found.boxes[:2], [[0.25, 0.25, 0.75, 0.75]] * 2, atol=0.12)
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), 1, rtol=1e-5)
    alone = model.ground(image, sentences, PHRASES[1][1:2])
    np.testing.assert_allclose(alone.boxes[0], found.boxes[1], atol=1e-5)
    assert model.ground(image, sentences, []).heat.shape == (0, *model.bundle.grid)


@pytest.fixture(scope="module")
def without_head(aligner_run, tmp_path_factory) -> PhraseGrounder:
    target = tmp_path_factory.mktemp("bundles") / "shapes"
    export_run(aligner_run, target, find_task=find_task, precisions=("fp32",))
    return load_for(find_task("grounding"), target, threads=1)


@pytest.mark.nightly
def test_an_aligner_locates_phrases_by_their_words(without_head, shapes):
    model = without_head
    image = model.embedder.embed_images([shapes / "red-square.png"], with_grid=True)
    sentences = model.embedder.embed_sentences(PHRASES[0])
    found = model.ground(image, sentences, PHRASES[1])
    assert [part.shape for part in (found.boxes, found.points, found.heat)] == [(3, 4), (3, 2), (3, *model.bundle.grid)]
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), 1, rtol=1e-5)
    with pytest.raises(UsageError, match="with_grid"):
        model.ground(model.embedder.embed_images([shapes / "red-square.png"]), sentences, PHRASES[1])
    with pytest.raises(UsageError, match="span of its words"):
        model.ground(image, sentences, [(0, 1, 4)])


def test_word_scores_sum_up_to_the_score(without_head, shapes):
    photo, model = read(shapes).photos[0].path, without_head.embedder
    image, sentences = model.embed_images([photo]), model.embed_sentences(["A red square.", "grey", ""])
    words = without_head.word_scores(image, sentences)
    assert [scores.shape for scores in words] == [(3, 5), (1, 5), (1, 5)]
    by_words = [scores.max(axis=1).sum() for scores in words]
    by_whole = (image.whole @ sentences.whole.T)[0]
    np.testing.assert_allclose(model.score(image, sentences)[0], by_words + by_whole, rtol=1e-4)
    assert sentences.tokens == (("a", "red", "square"), ("grey",), ("",))
    with pytest.raises(UsageError, match="expected one photo, got 2"):
        without_head.word_scores(model.embed_images([photo, photo]), sentences)


def test_an_index_stays_valid_when_only_the_head_differs(bundle, tmp_path):
    other = shutil.copytree(bundle, tmp_path / "other")
    description = json.loads((other / "model.json").read_text())
    description["files"]["grounding.onnx"] = "0" * 64
    (other / "model.json").write_text(json.dumps(description))
    first, second = (load_for(find_task("retrieval"), folder, threads=1) for folder in (bundle, other))
    assert first.identity == second.identity


def test_a_grounder_of_another_aligner_is_refused(run, aligner_run, tmp_path):
    other = shutil.copytree(aligner_run, tmp_path / "aligner")
    parts, metadata = read_checkpoint(other / "best.safetensors")
    parts["aligner"]["members.0.word.bias"] += 1
    write_checkpoint(other / "best.safetensors", parts, metadata)
    changed = shutil.copytree(run, tmp_path / "run")
    recipe = (changed / "recipe.yaml").read_text()
    (changed / "recipe.yaml").write_text(recipe.replace(str(aligner_run), str(other)))
    with pytest.raises(CheckpointError, match="trained for another aligner"):
        export_run(changed, tmp_path / "bundle", find_task=find_task)
    assert not (tmp_path / "bundle").exists()


def test_evaluation_of_the_bundle(bundle, boxes, shapes, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(bundle), "--data", str(shapes), "--split", "train", "--boxes", str(boxes)])
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
