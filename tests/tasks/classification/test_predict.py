"""From a run to a bundle, and what is predicted with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import seetell
from seetell.cli.main import main
from seetell.errors import BundleError, DataError, PhotoError, UsageError
from seetell.export.exporter import export_run
from seetell.photos import open_photo
from seetell.runtime.bundle import Bundle
from seetell.tasks.classification.evaluate import evaluate
from seetell.tasks.classification.imagenet import published_classifier, write_published_run
from seetell.tasks.classification.predict import BundleClassifier
from seetell.tasks.classification.train import Training
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.registry import find_task
from seetell.training.loop import TrainingLoop
from seetell.training.trained import Trained, load_trained

pytestmark = pytest.mark.slow

DOG = Path(__file__).parents[3] / "examples" / "dog.jpg"


@pytest.fixture(scope="module")
def run(tmp_path_factory, colours_config) -> Path:
    config = Training.complete(colours_config())
    folder = tmp_path_factory.mktemp("run")
    TrainingLoop(Training, config, Training.read(config), folder / "colours").run()
    return folder / "colours"


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory, one_registry) -> Path:
    target = tmp_path_factory.mktemp("bundles") / "colours"
    export_run(run, target, find_task=find_task)
    return target


@pytest.fixture
def model(bundle) -> BundleClassifier:
    return seetell.load(str(bundle), threads=1)


def reload(run: Path) -> Trained:
    task = find_task("classify")
    return load_trained(run, task.load("model"), lambda name: task.load("config"))


@pytest.mark.nightly
@pytest.mark.parametrize("encoder", ["lenet5", "nin"])
def test_networks_with_their_published_heads_are_exported(encoder, colours_config, tmp_path, one_registry):
    config = Training.complete(
        colours_config(
            encoder={"name": encoder, "weights": "none", "image_size": None},
            classification={"head": "published", "train_encoder_after": 0},
            steps=2,
        )
    )
    TrainingLoop(Training, config, Training.read(config), tmp_path / "run").run()
    export_run(tmp_path / "run", tmp_path / "bundle", find_task=find_task)
    trained, model = reload(tmp_path / "run"), seetell.load(str(tmp_path / "bundle"), precision="fp32", threads=1)
    image = torch.from_numpy(trained.encoder.preprocessing(open_photo(DOG)))[None]
    with torch.no_grad():
        expected = trained.model.of(trained.encoder(image)).softmax(dim=1)[0]
    found = {label.text: label.score for label in model.predict(DOG, top=3)}
    assert [found[label] for label in model.labels] == pytest.approx(expected.tolist(), abs=0.01)
    assert json.loads((tmp_path / "bundle" / "model.json").read_text())["architecture"] == "published-head"


def logits(trained: Trained, photo: Path) -> torch.Tensor:
    image = torch.from_numpy(trained.encoder.preprocessing(open_photo(photo)))[None]
    with torch.no_grad():
        return trained.model(trained.encoder(image).pooled)[0]


def test_a_bundle_matches_torch(run, bundle, colours):
    photo = colours / "red" / "3.png"
    expected = logits(reload(run), photo).softmax(dim=0)
    model = seetell.load(str(bundle), precision="fp32", threads=1)
    labels = model.predict(photo)
    assert labels[0].text == "red"
    assert [label.score for label in labels] == sorted((label.score for label in labels), reverse=True)
    got = {label.text: label.score for label in labels}
    np.testing.assert_allclose([got[label] for label in model.labels], expected.numpy(), atol=0.02)
    assert sum(got.values()) == pytest.approx(1)


def test_options_and_errors(model, colours, tmp_path):
    assert len(model.predict(colours / "red" / "3.png", top=2)) == 2
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    first, second = model.predict_many([colours / "blue" / "1.png", tmp_path / "broken.jpg"])
    assert first[0].text == "blue"
    assert first.model == "colours"
    assert isinstance(second, PhotoError)
    for check in (lambda: model.check(top=0), lambda: model.predict(colours / "red" / "3.png", top=0)):
        with pytest.raises(UsageError, match="top must be at least 1, got 0"):
            check()


def test_a_bundle_states_its_labels(bundle, tmp_path):
    description = json.loads((bundle / "model.json").read_text())
    assert (description["format"], description["task"], description["labels"]["size"]) == (2, "classification", 3)
    assert json.loads((bundle / "labels.json").read_text()) == ["blue", "green", "red"]
    assert description["scores"]["val"]["top_1"] == 1.0
    Bundle.load(bundle).verify()
    shutil.copytree(bundle, tmp_path / "changed")
    (tmp_path / "changed" / "labels.json").write_text('["red", "green", "blue"]')
    with pytest.raises(BundleError, match=r"labels\.json is not the one"):
        seetell.load(str(tmp_path / "changed"))


def test_evaluation_counts(model, colours, tmp_path):
    picture = tmp_path / "confusion.png"
    evaluation = evaluate(model, DataOptions(colours), split="test", confusion=picture)
    assert evaluation.scores["top_1"] == evaluation.scores["top_5"] == 1.0
    assert 0 <= evaluation.scores["calibration_error"] < 0.5
    assert set(evaluation.details["labels"].values()) == {1.0}
    assert evaluation.scores["photos"] == len(evaluation.rows)
    assert evaluation.rows[0]["label"] == evaluation.rows[0]["labels"][0]["text"]
    with Image.open(picture) as opened:
        assert opened.format == "PNG"


def test_a_label_that_the_model_lacks_is_named(model, tmp_path):
    for label in ("red", "purple"):
        (tmp_path / label).mkdir()
        Image.new("RGB", (40, 40), label).save(tmp_path / label / "1.png")
    with pytest.raises(DataError, match="colours does not know the labels purple"):
        evaluate(model, DataOptions(tmp_path))


def test_the_command(bundle, colours, capsys):
    photos = [str(colours / "green" / "0.png"), str(colours / "blue" / "0.png")]
    with pytest.raises(SystemExit) as exit:
        main(["classify", *photos, "--model", str(bundle), "--top", "1", "--format", "jsonl"])
    assert exit.value.code in (None, 0)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["labels"][0]["text"] for row in rows] == ["green", "blue"]
    assert all(list(row) == ["image", "labels", "model"] for row in rows)


def test_published_weights_become_a_run(tmp_path):
    write_published_run("efficientnet_lite0", tmp_path)
    trained = reload(tmp_path)
    made = logits(trained, DOG)
    assert trained.config.section.labels[made.argmax()] == "German shepherd"
    encoder, classifier, labels = published_classifier("efficientnet_lite0")
    assert labels == trained.config.section.labels
    torch.testing.assert_close(logits(Trained(trained.config, None, encoder, classifier, {}), DOG), made)
