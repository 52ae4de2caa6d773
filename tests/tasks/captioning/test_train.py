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
from PIL import Image
from training_runs import (
    StoppedError,
    assert_same_run,
    assert_two_train_as_one,
    configured,
    logged,
    loop_of,
    merged,
    stop_at,
    trained_in,
)

from seetell.data import read
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.export.exporter import export_run
from seetell.nn.backbones import weights_hash
from seetell.runtime.bundle import Bundle
from seetell.tasks.registry import find_task
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import RunConfig, save_config
from seetell.training.loop import TrainingDivergedError
from seetell.training.run_log import draw_curves, read_log


def recipe(shapes: Path, cache: Path, **changes) -> RunConfig:
    content = {
        "task": "captioning",
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2},
        "encoder": {"cache": str(cache)},
        "captioning": {
            "captioner": {"embedding_size": 16, "hidden_size": 16},
            "decoding": {"beam_size": 2, "max_words": 8},
        },
        "optimiser": {"learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0},
        "validation": {"every": 4},
        "batch_size": 4,
        "steps": 10,
        "checkpoint_every": 3,
        "log_every": 1,
        "threads": 1,
    }
    return configured(content, **changes)


@pytest.fixture
def shapes_recipe(shapes, tmp_path, small_encoder):
    def make(**changes) -> RunConfig:
        changes["encoder"] = {**small_encoder, **changes.get("encoder", {})}
        return recipe(shapes, tmp_path / "cache", **changes)

    return make


def losses(folder: Path) -> list[tuple[int, float]]:
    return logged(folder, "loss")


def validations(folder: Path) -> list[dict]:
    return [line for line in read_log(folder / "log.jsonl") if "validation_loss" in line]


FINETUNE = {"after": 4, "frozen_stages": 4, "optimiser": {"learning_rate": 1e-3}}
MODES = {
    "cached": {},
    "fine-tuned": {
        "captioning": {"finetune": {"after": 4, "optimiser": {"learning_rate": 1e-3}}},
        "data": {"crop": True},
    },
    "fine-tuned behind frozen stages": {"captioning": {"finetune": FINETUNE}},
    "pixels": {"encoder": {"cache": ""}},
    "sgd": {"optimiser": {"name": "sgd", "learning_rate": 0.5}},
    "self-critical": {
        "captioning": {"self_critical": {"after": 4, "samples": 3}},
        "schedule": {"warmup": 1, "decay": "cosine"},
    },
    "fine-tuned, then self-critical": {
        "captioning": {
            "finetune": {"after": 2, "optimiser": {"learning_rate": 1e-3}},
            "self_critical": {"after": 5, "samples": 2},
        }
    },
    "own words": {
        "captioning": {"scheduled_sampling": {"after": 3, "every": 2, "increase": 0.5, "max_probability": 1.0}}
    },
    "averaged": {"ema_decay": 0.9, "captioning": {"finetune": FINETUNE}},
    "hard attention, then self-critical": {
        "captioning": {
            "architecture": "show_attend_tell",
            "captioner": {"attention": "hard"},
            "self_critical": {"after": 5, "samples": 2},
        }
    },
    "distilled, then fine-tuned, then self-critical": {
        "captioning": {
            "distillation": {"teachers": ["teacher"], "weight": 0.7, "temperature": 2.0},
            "finetune": {**FINETUNE, "after": 3},
            "self_critical": {"after": 7, "samples": 2},
        }
    },
    "adadelta-gru": {
        "optimiser": {"name": "adadelta", "learning_rate": 1.0},
        "captioning": {"captioner": {"cell": "gru"}},
    },
}


QUICK = ("cached", "own words", "adadelta-gru")


@pytest.mark.slow
@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=[] if mode in QUICK else [pytest.mark.slow]) for mode in MODES]
)
def test_a_stopped_run_resumes_exactly(shapes, tmp_path, shapes_recipe, mode, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "distillation" in MODES[mode].get("captioning", {}):
        loop_of(shapes_recipe(steps=4, seed=1), read(shapes), tmp_path / "teacher").run()
    chosen, dataset = shapes_recipe(**MODES[mode]), read(shapes)
    loop_of(chosen, dataset, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            loop_of(chosen, dataset, tmp_path / "stopped", on_step=stop_at(step)).run()
    resumed = loop_of(chosen, dataset, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "exported"), [("efficientnet_lite_small", False), ("timm/test_resnet", True)])
def test_a_run_with_a_random_encoder_resumes_exactly_and_is_exported(shapes, tmp_path, shapes_recipe, name, exported):
    chosen, dataset = shapes_recipe(encoder={"name": name, "weights": "none", "image_size": 64}), read(shapes)
    loop_of(chosen, dataset, tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(chosen, dataset, tmp_path / "stopped", on_step=stop_at(5)).run()
    loop_of(chosen, dataset, tmp_path / "stopped").run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")
    trained = trained_in(tmp_path / "whole", "captioning")
    assert weights_hash(trained.encoder) == trained.metadata["encoder_hash"]
    if exported:  # exports with the other encoder are in test_tagging.py and test_export.py
        export_run(tmp_path / "whole", tmp_path / "bundle", find_task=find_task, precisions=("fp32",))
        Bundle.load(tmp_path / "bundle").verify()


@pytest.mark.slow
def test_the_encoder_is_frozen_while_rewards_are_optimised(shapes, tmp_path, shapes_recipe):
    finetune = {"after": 2, "optimiser": {"learning_rate": 1e-3}}
    chosen = shapes_recipe(captioning={"finetune": finetune, "self_critical": {"after": 6}}, checkpoint_every=1)
    encoders = {}

    def remember(done: int, loss: float) -> None:
        encoders[done] = weights_hash(loop.training.encoder)

    loop = loop_of(chosen, read(shapes), tmp_path / "run", on_step=remember)
    loop.run()
    assert encoders[1] == encoders[2]
    assert len({encoders[step] for step in (2, 3, 4, 5, 6)}) == 5
    assert encoders[6] == encoders[10]


@pytest.mark.slow
def test_cached_activations_of_frozen_stages_train_like_pixels(shapes, tmp_path, shapes_recipe):
    finetune = {"after": 0, "frozen_stages": 4, "optimiser": {"learning_rate": 1e-3}}
    for name, changes in {"cached": {}, "pixels": {"encoder": {"cache": ""}}}.items():
        loop_of(shapes_recipe(captioning={"finetune": finetune}, **changes), read(shapes), tmp_path / name).run()
    np.testing.assert_allclose(losses(tmp_path / "cached"), losses(tmp_path / "pixels"), rtol=2e-2)
    assert losses(tmp_path / "cached") != losses(tmp_path / "pixels")  # 16-bit activations


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "frozen"), [("cifar_resnet20", 32, 1), ("lenet5", 32, 0), ("cifar_fractalnet20", 32, 2)]
)
def test_networks_without_published_weights_encode_photos(name, size, frozen, shapes, tmp_path, shapes_recipe):
    chosen = shapes_recipe(
        encoder={"name": name, "weights": "none", "image_size": size},
        captioning={
            "architecture": "show_attend_tell",
            "captioner": {"embedding_size": 16, "hidden_size": 16, "attention_size": 16},
            "finetune": {"after": 1, "frozen_stages": frozen, "optimiser": {"learning_rate": 1e-3}},
        },
        steps=3,
        validation={"every": 3},
    )
    loop = loop_of(chosen, read(shapes), tmp_path / "run")
    before = weights_hash(loop.training.encoder)
    loop.run()
    assert np.isfinite([loss for _, loss in losses(tmp_path / "run")]).all()
    assert weights_hash(loop.training.encoder) != before


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_sixteen_bits_learn_what_full_precision_does(precision, shapes, tmp_path, shapes_recipe):
    transformer = {"architecture": "transformer", "captioner": {"width": 16, "heads": 2, "feedforward": 16}}
    for name, chosen in {"mixed": precision, "full": "fp32"}.items():
        content = shapes_recipe(precision=chosen).to_dict()
        content["captioning"] = transformer
        loop_of(configured(content), read(shapes), tmp_path / name).run()
    np.testing.assert_allclose(losses(tmp_path / "mixed"), losses(tmp_path / "full"), rtol=2e-2)
    assert losses(tmp_path / "mixed") != losses(tmp_path / "full")


@pytest.mark.slow
def test_the_schedule_starts_again_with_rewards(shapes, tmp_path, shapes_recipe):
    rewards = {"after": 6, "optimiser": {"learning_rate": 1e-3}}
    chosen = shapes_recipe(captioning={"self_critical": rewards}, schedule={"decay": "cosine"})
    loop_of(chosen, read(shapes), tmp_path / "run").run()
    rates = [line["learning_rate"] for line in read_log(tmp_path / "run" / "log.jsonl") if "loss" in line]
    assert rates[0] == pytest.approx(1e-2)
    assert rates[3] == pytest.approx(5e-3)
    assert rates[6] == pytest.approx(1e-3)
    assert rates[8] == pytest.approx(5e-4)


@pytest.mark.slow
def test_self_critical_training_raises_the_reward(shapes, tmp_path, shapes_recipe):
    config = {"after": 30, "optimiser": {"learning_rate": 1e-2}}
    chosen = shapes_recipe(steps=90, captioning={"self_critical": config}, validation={"every": 90})
    loop_of(chosen, read(shapes), tmp_path / "run").run()
    log = read_log(tmp_path / "run" / "log.jsonl")
    rewards = [line["reward"] for line in log if "reward" in line]
    assert [line["step"] for line in log if "reward" in line] == list(range(30, 90))
    assert sum(rewards[-10:]) > 1.1 * sum(rewards[:10]) > 0


KILLED = """
import sys
from pathlib import Path
import small_encoder
from training_runs import loop_of, sections
from seetell.data import read
from seetell.training.config import load_config
small_encoder.register()
config = load_config(sys.argv[1], sections)
loop_of(config, read(config.data.path), Path(sys.argv[2]), on_step=lambda step, loss: print(step, flush=True)).run()
"""


@pytest.mark.nightly
def test_kill_9_at_any_moment_loses_nothing(shapes, tmp_path, shapes_recipe, monkeypatch):
    chosen = shapes_recipe(steps=120, checkpoint_every=1, validation={"every": 25})
    save_config(chosen, tmp_path / "recipe.yaml")
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


@pytest.mark.slow
def test_overfits_the_shapes(shapes, tmp_path):
    """With a real encoder: after some steps each training photo gets one of its two sentences."""
    from seetell.tasks.captioning.validation import caption_features

    chosen = recipe(
        shapes,
        tmp_path / "cache",
        encoder={"weights": "imagenet", "image_size": 64},
        captioning={"captioner": {"embedding_size": 32, "hidden_size": 64, "dropout": 0.0}},
        validation={"every": 100},
        data={"flip": False},
        batch_size=10,
        steps=100,
        checkpoint_every=1000,
    )
    loop = loop_of(chosen, read(shapes), tmp_path / "run")
    loop.run()
    training = loop.training
    (features,) = training._feature_source(training.prepared.train.photos).batches(50)
    captions = caption_features(training.captioner.eval(), features, chosen.section.decoding, training.vocabulary)
    for photo, sentence in zip(training.prepared.train.photos, captions, strict=True):
        colour, shape = Path(photo.path).stem.split("-")
        assert sentence in (f"a {colour} {shape}", f"there is a {colour} {shape} on grey")


@pytest.mark.slow
def test_the_files_of_a_run(shapes, tmp_path, shapes_recipe, monkeypatch):
    monkeypatch.setattr("seetell.training.loop.draw_curves", draw_curves)
    seen = []
    loop_of(shapes_recipe(), read(shapes), tmp_path / "run", on_validation=seen.append).run()
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


@pytest.mark.slow
def test_best_is_by_cider_or_else_by_loss(shapes, tmp_path, shapes_recipe):
    for language in (True, False):
        folder = tmp_path / str(language)
        changes = {"validation": {"every": 2}, "captioning": {"language_metrics": language}}
        loop_of(shapes_recipe(**changes), read(shapes), folder).run()
        values = validations(folder)
        key = "CIDEr" if language else "validation_loss"
        best = (max if language else min)(line[key] for line in values)
        _, metadata = read_checkpoint(folder / "best.safetensors")
        assert metadata["scores"][key] == best
        assert ("CIDEr" in values[0]) == language


@pytest.mark.slow
def test_another_recipe_or_other_captions_are_refused(shapes, tmp_path, shapes_recipe):
    dataset = read(shapes)
    loop_of(shapes_recipe(steps=3), dataset, tmp_path / "run").run()
    with pytest.raises(CheckpointError, match=r"batch_size \(4 there, 5 here\).*--restart"):
        loop_of(shapes_recipe(steps=3, batch_size=5), dataset, tmp_path / "run")
    fewer = dataclasses.replace(dataset, photos=dataset.photos[1:])
    with pytest.raises(CheckpointError, match="data changed since"):
        loop_of(shapes_recipe(steps=3), fewer, tmp_path / "run")
    longer = loop_of(shapes_recipe(steps=5), dataset, tmp_path / "run")
    assert longer.step == 3


def test_a_diverging_loss_stops_the_run(shapes, tmp_path, shapes_recipe):
    wild = shapes_recipe(optimiser={"name": "sgd", "learning_rate": 1e6, "clip": 0})
    with pytest.raises(TrainingDivergedError, match=r"times the first one.*learning_rate"):
        loop_of(wild, read(shapes), tmp_path / "run").run()
    assert read_log(tmp_path / "run" / "log.jsonl")[-1]["stopped"] == "divergence"


@pytest.mark.slow
def test_photos_that_cannot_be_opened_are_skipped(shapes, tmp_path, shapes_recipe):
    dataset = read(shapes)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    first = dataclasses.replace(dataset.photos[0], path=broken)
    damaged = dataclasses.replace(dataset, photos=(first, *dataset.photos[1:]))
    for number, changes in enumerate(({}, {"encoder": {"cache": ""}})):
        loop = loop_of(shapes_recipe(steps=2, **changes), damaged, tmp_path / f"run{number}")
        assert set(loop.training.failures) == {broken}
        assert first.id not in [photo.id for photo in loop.training.prepared.train.photos]
        loop.run()


def test_nothing_to_train_on(shapes, tmp_path, shapes_recipe):
    dataset, encoded = read(shapes), []
    train_alone = dataclasses.replace(dataset, photos=dataset.split("train"))
    with pytest.raises(DataError, match="splits train and val, got 10 and 0"):
        loop_of(shapes_recipe(), train_alone, tmp_path / "run", on_encoding=lambda *count: encoded.append(count))
    assert encoded == []


@pytest.mark.slow
def test_a_model_that_does_not_fit_is_refused_before_photos_are_encoded(shapes, tmp_path, shapes_recipe):
    loop_of(shapes_recipe(steps=1), read(shapes), tmp_path / "first").run()
    larger = {"captioner": {"embedding_size": 16, "hidden_size": 24}}
    chosen = shapes_recipe(init_from=str(tmp_path / "first"), captioning=larger, encoder={"cache": str(tmp_path / "c")})
    encoded = []
    with pytest.raises(CheckpointError, match=r"do not fit this recipe .* or start afresh with --set init_from="):
        loop_of(chosen, read(shapes), tmp_path / "run", on_encoding=lambda *count: encoded.append(count))
    assert encoded == []


def test_unknown_device(shapes, tmp_path, shapes_recipe):
    with pytest.raises(RecipeError, match="try 'cpu'"):
        loop_of(shapes_recipe(device="abacus"), read(shapes), tmp_path / "run")


TOGETHER = {
    "captions": {"captioning": {"captioner": {"dropout": 0.0}}},
    "dropout": {"batch_parts": 2},
    "rewards, with an encoder before": {
        "batch_parts": 2,
        "captioning": {"finetune": {"after": 2, "frozen_stages": 4}, "self_critical": {"after": 4, "samples": 2}},
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("changes", TOGETHER)
def test_two_processes_train_as_one(shapes, tmp_path, shapes_recipe, changes):
    content = {"captioning": {"language_metrics": False}, "batch_size": 5, "steps": 6, "validation": {"every": 6}}
    config = shapes_recipe(**merged(content, TOGETHER[changes]))
    assert_two_train_as_one(config, read(shapes), tmp_path)


def test_hard_attention_refuses_parts(shapes, tmp_path, shapes_recipe):
    config = shapes_recipe(batch_parts=2)
    hard = configured(
        config.to_dict() | {"captioning": {"architecture": "show_attend_tell", "captioner": {"attention": "hard"}}}
    )
    with pytest.raises(RecipeError, match="cannot be computed in 2 parts"):
        loop_of(hard, read(shapes), tmp_path / "run")
    assert not (tmp_path / "cache").exists()
