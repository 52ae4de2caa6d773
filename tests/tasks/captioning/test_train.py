from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seetell.data import read
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.nn.backbones import weights_hash
from seetell.tasks.captioning.train import Trainer
from seetell.training.checkpoint import read_checkpoint, write_checkpoint
from seetell.training.config import Recipe, recipe_from_dict
from seetell.training.divergence import LossExplodedError
from seetell.training.run_log import RunLog, draw_curves, read_log


def recipe(shapes: Path, cache: Path, **changes) -> Recipe:
    content = {
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2},
        "encoder": {"cache": str(cache)},
        "captioner": {"embedding_size": 16, "hidden_size": 16},
        "optimiser": {"learning_rate": 1e-2, "alpha": 0.9, "clip": 5.0},
        "validation": {"every": 4, "decoding": {"beam_size": 2, "max_words": 8}},
        "batch_size": 4,
        "steps": 10,
        "checkpoint_every": 3,
        "log_every": 1,
        "threads": 1,
    }
    for key, value in changes.items():
        content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
    return recipe_from_dict(content)


@pytest.fixture
def shapes_recipe(shapes, tmp_path, small_encoder):
    def make(**changes) -> Recipe:
        changes["encoder"] = {**small_encoder, **changes.get("encoder", {})}
        return recipe(shapes, tmp_path / "cache", **changes)

    return make


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_log(folder / "log.jsonl") if "loss" in line]


def validations(folder: Path) -> list[dict]:
    return [line for line in read_log(folder / "log.jsonl") if "validation_loss" in line]


class StoppedError(Exception):
    pass


def stop_at(step: int):
    def on_step(done: int, loss: float) -> None:
        if done == step:
            raise StoppedError

    return on_step


MODES = {
    "cached": {},
    "fine-tuned": {"finetune": {"after": 4, "optimiser": {"learning_rate": 1e-3}}, "data": {"crop": True}},
    "fine-tuned behind frozen stages": {
        "finetune": {"after": 4, "frozen_stages": 4, "optimiser": {"learning_rate": 1e-3}}
    },
    "pixels": {"encoder": {"cache": ""}},
    "sgd": {"optimiser": {"name": "sgd", "learning_rate": 0.5}},
    "self-critical": {"self_critical": {"after": 4, "samples": 3}, "schedule": {"warmup": 1, "decay": "cosine"}},
    "fine-tuned, then self-critical": {
        "finetune": {"after": 2, "optimiser": {"learning_rate": 1e-3}},
        "self_critical": {"after": 5, "samples": 2},
    },
    "own words": {"scheduled_sampling": {"after": 3, "every": 2, "increase": 0.5, "most": 1.0}},
    "averaged": {"averaging": 0.9, "finetune": {"after": 4, "frozen_stages": 4, "optimiser": {"learning_rate": 1e-3}}},
    "hard attention, then self-critical": {
        "architecture": "show_attend_tell",
        "captioner": {"attention": "hard"},
        "self_critical": {"after": 5, "samples": 2},
    },
    "taught, then fine-tuned, then self-critical": {
        "distillation": {"teachers": ["teacher"], "weight": 0.7, "temperature": 2.0},
        "finetune": {"after": 3, "frozen_stages": 4, "optimiser": {"learning_rate": 1e-3}},
        "self_critical": {"after": 7, "samples": 2},
    },
    "adadelta-gru": {"optimiser": {"name": "adadelta", "learning_rate": 1.0}, "captioner": {"cell": "gru"}},
}


@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(shapes, tmp_path, shapes_recipe, mode, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "distillation" in MODES[mode]:
        Trainer(shapes_recipe(steps=4, seed=1), read(shapes), tmp_path / "teacher").run()
    chosen, dataset = shapes_recipe(**MODES[mode]), read(shapes)
    Trainer(chosen, dataset, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            Trainer(chosen, dataset, tmp_path / "stopped", on_step=stop_at(step)).run()
    resumed = Trainer(chosen, dataset, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")
    assert validations(tmp_path / "stopped") == validations(tmp_path / "whole")
    for name in ("checkpoint", "best"):
        ours, facts = read_checkpoint(tmp_path / "stopped" / f"{name}.safetensors")
        theirs, expected = read_checkpoint(tmp_path / "whole" / f"{name}.safetensors")
        assert facts == expected
        assert ours.keys() == theirs.keys()
        for part, arrays in theirs.items():
            assert all(torch.equal(ours[part][key], value) for key, value in arrays.items()), part


def test_the_encoder_stays_as_it_is_while_rewards_are_learnt_from(shapes, tmp_path, shapes_recipe):
    finetune = {"after": 2, "optimiser": {"learning_rate": 1e-3}}
    chosen = shapes_recipe(finetune=finetune, self_critical={"after": 6}, checkpoint_every=1)
    encoders = {}

    def remember(done: int, loss: float) -> None:
        encoders[done] = weights_hash(trainer.encoder)

    trainer = Trainer(chosen, read(shapes), tmp_path / "run", on_step=remember)
    trainer.run()
    assert encoders[1] == encoders[2]
    assert len({encoders[step] for step in (2, 3, 4, 5, 6)}) == 5
    assert encoders[6] == encoders[10]


def test_what_frozen_stages_made_once_trains_like_pixels(shapes, tmp_path, shapes_recipe):
    finetune = {"after": 0, "frozen_stages": 4, "optimiser": {"learning_rate": 1e-3}}
    for name, changes in {"cached": {}, "pixels": {"encoder": {"cache": ""}}}.items():
        Trainer(shapes_recipe(finetune=finetune, **changes), read(shapes), tmp_path / name).run()
    np.testing.assert_allclose(losses(tmp_path / "cached"), losses(tmp_path / "pixels"), rtol=2e-2)
    assert losses(tmp_path / "cached") != losses(tmp_path / "pixels")  # 16-bit activations


def test_mixed_precision_learns_what_full_precision_does(shapes, tmp_path, shapes_recipe):
    transformer = {"architecture": "transformer", "captioner": {"width": 16, "heads": 2, "feedforward": 16}}
    for name, mixed in {"mixed": True, "full": False}.items():
        content = shapes_recipe(mixed_precision=mixed).to_dict() | transformer
        Trainer(recipe_from_dict(content), read(shapes), tmp_path / name).run()
    np.testing.assert_allclose(losses(tmp_path / "mixed"), losses(tmp_path / "full"), rtol=2e-2)
    assert losses(tmp_path / "mixed") != losses(tmp_path / "full")


def test_the_schedule_begins_anew_with_rewards(shapes, tmp_path, shapes_recipe):
    rewards = {"after": 6, "optimiser": {"learning_rate": 1e-3}}
    chosen = shapes_recipe(self_critical=rewards, schedule={"decay": "cosine"})
    Trainer(chosen, read(shapes), tmp_path / "run").run()
    rates = [line["learning_rate"] for line in read_log(tmp_path / "run" / "log.jsonl") if "loss" in line]
    assert rates[0] == pytest.approx(1e-2)
    assert rates[3] == pytest.approx(5e-3)
    assert rates[6] == pytest.approx(1e-3)
    assert rates[8] == pytest.approx(5e-4)


def test_self_critical_training_raises_the_reward(shapes, tmp_path, shapes_recipe):
    config = {"after": 30, "optimiser": {"learning_rate": 1e-2}}
    chosen = shapes_recipe(steps=90, self_critical=config, validation={"every": 90})
    Trainer(chosen, read(shapes), tmp_path / "run").run()
    log = read_log(tmp_path / "run" / "log.jsonl")
    rewards = [line["reward"] for line in log if "reward" in line]
    assert [line["step"] for line in log if "reward" in line] == list(range(30, 90))
    assert sum(rewards[-10:]) > 1.1 * sum(rewards[:10]) > 0


KILLED = """
import sys
from pathlib import Path
import small_encoder
from seetell.data import read
from seetell.training.config import load_recipe
from seetell.tasks.captioning.train import Trainer
small_encoder.register()
recipe = load_recipe(sys.argv[1])
Trainer(recipe, read(recipe.data.path), Path(sys.argv[2]), on_step=lambda step, loss: print(step, flush=True)).run()
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_costs_nothing_but_time(shapes, tmp_path, shapes_recipe, monkeypatch):
    chosen = shapes_recipe(steps=120, checkpoint_every=1, validation={"every": 25})
    from seetell.training.config import save_recipe

    save_recipe(chosen, tmp_path / "recipe.yaml")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "recipe.yaml")]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, stdout=subprocess.DEVNULL)
    kills = 0
    for delay in (0.0, 0.13, 0.29, 0.41, 0.07):
        process = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.PIPE)
        assert process.stdout is not None
        if not process.stdout.readline():
            break
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        kills += 1
    assert kills >= 3
    subprocess.run([*command, str(tmp_path / "killed")], check=True, stdout=subprocess.DEVNULL)
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert validations(tmp_path / "killed") == validations(tmp_path / "whole")


def test_learns_the_shapes_by_heart(shapes, tmp_path):
    """With a real encoder: after some steps it says of each training photo one of its two sentences."""
    from seetell.tasks.captioning.validation import caption_features

    chosen = recipe(
        shapes,
        tmp_path / "cache",
        encoder={"weights": "imagenet", "image_size": 64},
        captioner={"embedding_size": 32, "hidden_size": 64, "dropout": 0.0},
        validation={"every": 100},
        data={"flip": False},
        batch_size=10,
        steps=100,
        checkpoint_every=1000,
    )
    trainer = Trainer(chosen, read(shapes), tmp_path / "run")
    trainer.run()
    trainer.captioner.eval()
    source = trainer._source(trainer.prepared.train, 0)
    (features,) = source.batches(50)
    said = caption_features(trainer.captioner, features, chosen.validation.decoding, trainer.vocabulary)
    for photo, sentence in zip(trainer.prepared.train.photos, said, strict=True):
        colour, shape = Path(photo.path).stem.split("-")
        assert sentence in (f"a {colour} {shape}", f"there is a {colour} {shape} on grey")


def test_the_folder_holds_what_is_promised(shapes, tmp_path, shapes_recipe, monkeypatch):
    monkeypatch.setattr("seetell.tasks.captioning.train.draw_curves", draw_curves)
    seen = []
    trainer = Trainer(shapes_recipe(), read(shapes), tmp_path / "run", on_validation=seen.append)
    trainer.run()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "recipe.yaml",
        "vocabulary.json",
        "log.jsonl",
        "curves.png",
        "checkpoint.safetensors",
        "best.safetensors",
        "validation.json",
    }
    assert [values["step"] for values in seen] == [4, 8, 10]
    assert {"validation_loss", "Bleu_4", "CIDEr"} <= set(seen[0])
    rows = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert {row["image_id"] for row in rows} == {photo.id for photo in read(shapes).split("val")}
    with Image.open(tmp_path / "run" / "curves.png") as curves:
        assert len(curves.convert("RGB").getcolors(1 << 20)) > 10


def test_best_is_by_cider_or_else_by_loss(shapes, tmp_path, shapes_recipe):
    for language in (True, False):
        folder = tmp_path / str(language)
        Trainer(shapes_recipe(validation={"every": 2, "language": language}), read(shapes), folder).run()
        values = validations(folder)
        key = "CIDEr" if language else "validation_loss"
        best = (max if language else min)(line[key] for line in values)
        _, facts = read_checkpoint(folder / "best.safetensors")
        assert facts["scores"][key] == best
        assert ("CIDEr" in values[0]) == language


def test_another_recipe_or_other_captions_are_refused(shapes, tmp_path, shapes_recipe):
    dataset = read(shapes)
    Trainer(shapes_recipe(steps=3), dataset, tmp_path / "run").run()
    with pytest.raises(CheckpointError, match=r"batch_size \(4 there, 5 here\).*--restart"):
        Trainer(shapes_recipe(steps=3, batch_size=5), dataset, tmp_path / "run")
    fewer = dataclasses.replace(dataset, photos=dataset.photos[1:])
    with pytest.raises(CheckpointError, match="data changed since"):
        Trainer(shapes_recipe(steps=3), fewer, tmp_path / "run")
    longer = Trainer(shapes_recipe(steps=5), dataset, tmp_path / "run")
    assert longer.step == 3


def test_an_exploding_loss_stops_the_run(shapes, tmp_path, shapes_recipe):
    wild = shapes_recipe(optimiser={"name": "sgd", "learning_rate": 1e6, "clip": 0})
    with pytest.raises(LossExplodedError, match=r"times the first one.*learning_rate"):
        Trainer(wild, read(shapes), tmp_path / "run").run()
    assert read_log(tmp_path / "run" / "log.jsonl")[-1]["stopped"] == "explosion"


def test_photos_that_do_not_open_are_left_out(shapes, tmp_path, shapes_recipe):
    dataset = read(shapes)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    first = dataclasses.replace(dataset.photos[0], path=broken)
    damaged = dataclasses.replace(dataset, photos=(first, *dataset.photos[1:]))
    for number, changes in enumerate(({}, {"encoder": {"cache": ""}})):
        trainer = Trainer(shapes_recipe(steps=2, **changes), damaged, tmp_path / f"run{number}")
        assert set(trainer.prepared.failures) == {broken}
        assert first.id not in [photo.id for photo in trainer.prepared.train.photos]
        trainer.run()


def test_nothing_to_train_on(shapes, tmp_path, shapes_recipe):
    dataset = read(shapes)
    with pytest.raises(DataError, match="splits train and val, got 10 and 0"):
        Trainer(shapes_recipe(), dataclasses.replace(dataset, photos=dataset.split("train")), tmp_path / "run")


def test_unknown_device(shapes, tmp_path, shapes_recipe):
    with pytest.raises(RecipeError, match="try 'cpu'"):
        Trainer(shapes_recipe(device="abacus"), read(shapes), tmp_path / "run")


def test_a_checkpoint_is_replaced_in_one_go(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, {"a": {"x": torch.ones(2)}}, {"step": 1})
    monkeypatch.setattr("os.replace", lambda *names: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CheckpointError, match="No space left"):
        write_checkpoint(path, {"a": {"x": torch.zeros(2)}}, {"step": 2})
    parts, facts = read_checkpoint(path)
    assert facts == {"step": 1}
    torch.testing.assert_close(parts["a"]["x"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_damaged_checkpoints_are_named(tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint(path)


def test_the_log_forgets_what_will_be_done_again(tmp_path):
    log = RunLog(tmp_path / "log.jsonl")
    for step in range(5):
        log.write(step, loss=float(step))
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 5, "lo')
    RunLog(tmp_path / "log.jsonl", step=3).write(3, loss=9.0)
    assert [line["loss"] for line in read_log(tmp_path / "log.jsonl")] == [0, 1, 2, 9]


def test_curves_of_an_empty_log_are_an_empty_picture(tmp_path):
    draw_curves([], tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.width > 100
