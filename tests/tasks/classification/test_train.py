from __future__ import annotations

import pytest
import torch
from PIL import Image
from training_runs import assert_two_train_as_one

from seetell.errors import DataError, RecipeError
from seetell.nn.backbones import weights_hash
from seetell.tasks.classification.config import ClassificationConfig
from seetell.tasks.classification.export import graphs
from seetell.tasks.classification.model import build
from seetell.tasks.classification.train import Training
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import only
from seetell.training.loop import TrainingLoop
from seetell.training.run_log import read_log
from seetell.training.trained import load_trained


class StoppedError(Exception):
    pass


def loop(config, folder, *, stop: int = -1) -> TrainingLoop:
    def on_step(done: int, loss: float) -> None:
        if done == stop:
            raise StoppedError

    config = Training.complete(config)
    return TrainingLoop(Training, config, Training.read(config), folder, on_step=on_step)


def values(folder, key: str) -> list[tuple[int, float]]:
    return [(line["step"], line[key]) for line in read_log(folder / "log.jsonl") if key in line]


MODES = {
    "frozen": {},
    "with the encoder": {"classification": {"train_encoder_after": 4, "frozen_stages": 4, "label_smoothing": 0.1}},
    "on pixels, averaged": {"encoder": {"cache": ""}, "data": {"crop": True}, "ema_decay": 0.9},
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_resumes_exactly(tmp_path, colours_config, mode):
    config = colours_config(**MODES[mode], steps=10)
    loop(config, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            loop(config, tmp_path / "stopped", stop=step).run()
    resumed = loop(config, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    for key in ("loss", "validation_loss", "top_1"):
        assert values(tmp_path / "stopped", key) == values(tmp_path / "whole", key)
    ours, metadata = read_checkpoint(tmp_path / "stopped" / "best.safetensors")
    theirs, expected = read_checkpoint(tmp_path / "whole" / "best.safetensors")
    assert metadata == expected
    assert all(torch.equal(ours[part][key], value) for part in theirs for key, value in theirs[part].items())
    assert ("encoder" in ours) == (mode == "with the encoder")


SCRATCH = {
    "encoder": {"name": "cifar_resnet20", "weights": "none", "image_size": 16, "train_batch_norms": True},
    "classification": {"head": "published", "train_encoder_after": 0},
    "data": {"augmentation": {"pad": 2, "colour": 0.1, "mixup": 0.4}},
    "schedule": {"decay": "plateau", "decay_patience": 1},
    "validation": {"every": 2},
}


@pytest.mark.slow
def test_a_network_trained_from_scratch_resumes_exactly(tmp_path, colours_config):
    config = colours_config(**SCRATCH, steps=8)
    whole = loop(config, tmp_path / "whole")
    norm = whole.training.encoder.stages[0][1]
    before = norm.running_mean.clone()
    whole.run()
    assert not torch.equal(norm.running_mean, before)
    with pytest.raises(StoppedError):
        loop(config, tmp_path / "stopped", stop=5).run()
    loop(config, tmp_path / "stopped").run()
    for key in ("loss", "validation_loss", "learning_rate"):
        assert values(tmp_path / "stopped", key) == values(tmp_path / "whole", key)


def test_a_published_head_is_trained_from_the_first_step_on(tmp_path, colours_config):
    with pytest.raises(RecipeError, match="train_encoder_after to 0 instead of -1"):
        colours_config(classification={"head": "published"})
    with pytest.raises(RecipeError, match="features of the frozen encoder are cached"):
        colours_config(data={"augmentation": {"pad": 2}})
    config = colours_config(
        encoder={"name": "test_resnet", "weights": "none", "image_size": 64},
        classification={"head": "published", "train_encoder_after": 0},
    )
    with pytest.raises(RecipeError, match=r"the head that .* was published with is not known here"):
        loop(config, tmp_path / "run")


@pytest.mark.slow  # what they read and compute is in tests/nn/backbones/test_published.py
def test_auxiliary_classifiers_are_trained_and_not_exported(tmp_path, colours_config):
    with pytest.raises(RecipeError, match=r"together with the encoder; set .* to 0 instead of -1"):
        colours_config(classification={"auxiliary": 0.3})
    google = {"name": "googlenet", "weights": "none", "image_size": 32}
    beside = {"head": "published", "train_encoder_after": 0, "auxiliary": 0.3}
    config = colours_config(encoder=google, classification=beside, steps=2, validation={"every": 2})
    run = loop(config, tmp_path / "run")
    before = {name: value.clone() for name, value in run.training.classifier.auxiliary.state_dict().items()}
    assert len(before) == 2 * 10
    run.run()
    after = run.training.classifier.auxiliary.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before if "tracked" not in name)
    logged = read_log(tmp_path / "run" / "log.jsonl")[0]
    parts = [logged[name] for name in ("class_loss", "auxiliary_1_loss", "auxiliary_2_loss")]
    assert logged["loss"] == pytest.approx(parts[0] + 0.3 * (parts[1] + parts[2]), abs=1e-4)
    declared = graphs(load_trained(tmp_path / "run", build, only(classification=ClassificationConfig)))
    names = {name for spec in declared.graphs for name, _ in spec.module.named_parameters()}
    kept = {name for arrays in declared.weights.values() for name in arrays}
    assert {"model.conv1.conv.weight"} <= kept
    assert not any("auxiliary" in name for name in names | kept)


def test_mixed_images_have_mixed_labels(tmp_path, colours_config):
    run = loop(colours_config(**SCRATCH, steps=1), tmp_path / "run")
    run.training.begin(run.training.phases()[-1])
    images, targets = run.training.batch(0)
    assert images.shape == (8, 3, 16, 16)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))
    assert ((targets > 0).sum(dim=1) == 2).any()


def test_overfits_the_colours(tmp_path, colours_config):
    loop(colours_config(), tmp_path / "run").run()
    assert values(tmp_path / "run", "top_1")[-1][1] == 1.0
    trained = load_trained(tmp_path / "run", build, only(classification=ClassificationConfig))
    assert trained.config.section.labels == ("blue", "green", "red")
    assert trained.vocabulary is None
    assert not trained.model.training


@pytest.mark.slow
def test_the_encoder_is_trained_only_behind_the_frozen_stages(tmp_path, colours_config):
    config = colours_config(classification={"train_encoder_after": 0, "frozen_stages": 3}, steps=2)
    run = loop(config, tmp_path / "run")
    stages = run.training.encoder.stages
    before = {name: weights_hash(stage) for name, stage in stages.named_children()}
    run.run()
    assert [name for name, stage in stages.named_children() if before[name] == weights_hash(stage)] == ["0", "1", "2"]


def test_labels_may_be_given_in_another_order(tmp_path, colours_config):
    run = loop(colours_config(classification={"labels": ["red", "green", "blue"]}, steps=1), tmp_path / "run")
    assert run.config.section.labels == ("red", "green", "blue")
    assert run.training.model.linear.out_features == 3


def test_what_cannot_be_learnt_is_refused(tmp_path, colours_config):
    with pytest.raises(RecipeError, match="has other classes too: red"):
        loop(colours_config(classification={"labels": ["green", "blue"]}), tmp_path / "run")
    with pytest.raises(DataError, match="no training images of yellow"):
        loop(colours_config(classification={"labels": ["blue", "green", "red", "yellow"]}), tmp_path / "other")
    with pytest.raises(RecipeError, match="labels: expected two or more different classes, got red, red"):
        colours_config(classification={"labels": ["red", "red"]})
    with pytest.raises(RecipeError, match="dropout: expected a probability below 1"):
        colours_config(classification={"dropout": 1.0})


@pytest.mark.parametrize("cached", [True, False])
def test_broken_images_are_skipped(tmp_path, colours_config, cached):
    data = tmp_path / "data"
    for label in ("red", "blue"):
        (data / label).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (40, 40), label).save(data / label / f"{number}.png")
    (data / "red" / "0.png").write_bytes(b"no image")
    changes = {} if cached else {"encoder": {"cache": ""}}
    run = loop(colours_config(data={"path": str(data)}, steps=1, **changes), tmp_path / "run")
    assert [path.name for path in run.training.failures] == ["0.png"]
    run.run()


@pytest.mark.slow
def test_networks_have_the_options_of_the_recipe(tmp_path, colours_config):
    counts = []
    for shortcut in ("A", "B"):
        scratch = {**SCRATCH, "encoder": {**SCRATCH["encoder"], "options": {"shortcut": shortcut}}}
        run = loop(colours_config(**scratch, steps=1), tmp_path / shortcut)
        run.run()
        trained = load_trained(tmp_path / shortcut, build, only(classification=ClassificationConfig))
        counts.append(sum(parameter.numel() for parameter in trained.encoder.parameters()))
    assert counts[1] - counts[0] == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    with pytest.raises(RecipeError, match=r"encoder\.options: expected fields, got 'B'"):
        colours_config(**{**SCRATCH, "encoder": {**SCRATCH["encoder"], "options": "B"}})


TOGETHER = {
    "with the encoder from a step on": {"classification": {"train_encoder_after": 2, "frozen_stages": 4}},
    "with its batch norms": {
        "encoder": {"cache": "", "train_batch_norms": True},
        "classification": {"train_encoder_after": 0},
        "divergence_factor": 1e9,  # the small encoder's random features are hardly apart
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("changes", TOGETHER)
def test_two_processes_train_as_one(tmp_path, colours_config, changes):
    changed = TOGETHER[changes]
    tuned = {"dropout": 0.0, "encoder_optimiser": {"learning_rate": 1e-4}, **changed["classification"]}
    sizes = {"optimiser": {"learning_rate": 1e-3}, "batch_size": 5, "steps": 3}
    config = Training.complete(colours_config(**{**changed, **sizes, "classification": tuned}))
    assert_two_train_as_one(config, Training.read(config), tmp_path)
