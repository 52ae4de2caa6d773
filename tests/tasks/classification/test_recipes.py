"""The recipes that train networks from random weights begin as they are written."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from training_runs import NO_CURVES

from seetell.nn.backbones import create_encoder
from seetell.tasks.classification.config import ClassificationConfig
from seetell.tasks.classification.train import ESTIMATION_BATCHES, Training
from seetell.training.batch_norms import estimate_batch_norms
from seetell.training.config import load_config, only
from seetell.training.loop import TrainingLoop
from seetell.training.recipes import shipped_recipes
from seetell.training.run_log import read_log

SIDES = {"imagenet-alexnet": 67, "imagenet-googlenet": 32, "imagenet-vgg": 32, "imagenet-resnet50": 32}
FRACTAL = "cifar10-fractalnet20"
RECIPES = {name: path for name, path in shipped_recipes().items() if name.startswith(("cifar10-", "imagenet-"))}
PAGE = Path(__file__).resolve().parents[3] / "docs" / "learn" / "what-training-teaches.md"
RECORDED = 'seetell() { printf "%q " "$@"; echo; }; for other in cp mkdir tar python; do eval "$other() { :; }"; done\n'
"""Makes a shell print the arguments of ``seetell`` instead of running it, and ignore other commands of the page."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in {*SIDES, FRACTAL} else [])  # whose test is below
        for name in sorted(RECIPES)
    ],
)
def test_recipes_train(name, tmp_path, colours):
    settings = [f"data.path={colours}", "steps=1", "batch_size=4", "validation.photos=2"]
    if name in SIDES:
        settings.append(f"encoder.image_size={SIDES[name]}")
    config = load_config(RECIPES[name], only(classification=ClassificationConfig), settings)
    assert config.name == name
    config = Training.complete(config)
    TrainingLoop(Training, config, Training.read(config), tmp_path / "run").run()
    log = read_log(tmp_path / "run" / "log.jsonl")
    assert 0 < log[0]["loss"] < 10
    assert 0 <= log[-1]["top_1"] <= 1


def second_loss(settings: Sequence[str], folder: Path, colours: Path) -> float:
    """Return the loss of the second step of the recipe of the races, with settings."""
    tiny = [f"data.path={colours}", "steps=2", "batch_size=4", "log_every=1", *settings]
    config = load_config(RECIPES["cifar10-vgg-small"], only(classification=ClassificationConfig), tiny)
    config = Training.complete(config)
    TrainingLoop(Training, config, Training.read(config), folder).run()
    loss: float = read_log(folder / "log.jsonl")[1]["loss"]
    return loss


@pytest.fixture(scope="module")
def loss_of_the_recipe(tmp_path_factory: pytest.TempPathFactory, colours: Path) -> float:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(*NO_CURVES)
        return second_loss((), tmp_path_factory.mktemp("recipe") / "run", colours)


@pytest.mark.parametrize(
    "settings",
    [
        ("optimiser.name=sgd", "optimiser.learning_rate=0.1"),
        ("optimiser.name=adam", "optimiser.learning_rate=1e-3"),
        ("encoder.options.activation=maxout",),
        ("encoder.options.norm=lrn",),
        ("encoder.options.initialisation=xavier",),
        ("encoder.options.downsampling=stride", "encoder.options.padding=top_left"),
        ("data.augmentation.cutout=12",),
        ("data.augmentation.mixup=0.4",),
    ],
    ids=lambda settings: settings[0],
)
def test_what_is_raced_can_be_set(settings, tmp_path, colours, loss_of_the_recipe):
    assert second_loss(settings, tmp_path / "run", colours) != loss_of_the_recipe


@pytest.mark.slow
def test_statistics_of_fractalnet_are_those_of_all_paths(tmp_path, colours):
    settings = [f"data.path={colours}", "steps=1", "batch_size=4", "validation.photos=2"]
    config = load_config(RECIPES[FRACTAL], only(classification=ClassificationConfig), settings)
    config = Training.complete(config)
    loop = TrainingLoop(Training, config, Training.read(config), tmp_path / "run")
    loop.run()
    assert 0 < read_log(tmp_path / "run" / "log.jsonl")[0]["loss"] < 10
    encoder, training = loop.training.encoder, loop.training
    (left,) = (
        value
        for name, value in encoder.named_buffers()
        if name.endswith("stages.4.1.fractal.convolution.1.running_var")
    )
    kept = left.clone()
    estimate_batch_norms(encoder.eval(), [training.batch(step)[0] for step in range(ESTIMATION_BATCHES)])
    torch.testing.assert_close(left, kept)


@pytest.mark.nightly
def test_commands_of_the_page_are_understood(tmp_path):
    script = RECORDED + "".join(re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))
    printed = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    commands = [shlex.split(line) for line in printed.splitlines()]
    assert len(commands) > 30
    folders = set()
    for train, recipe, *options in commands:
        given = list(zip(options[::2], options[1::2], strict=True))
        assert train == "train"
        assert {option for option, _ in given} == {"--set", "--output"}
        folders |= {value for option, value in given if option == "--output"}
        settings = [value for option, value in given if option == "--set"]
        config = load_config(RECIPES[recipe], only(classification=ClassificationConfig), settings).encoder
        create_encoder(config.name, weights=config.weights, options=config.options)
    assert len(folders) == len(commands)


@pytest.mark.parametrize(
    ("name", "rate", "weight_decay", "batch", "steps"),
    [
        ("imagenet-alexnet", 0.01, 5e-4, 128, 90 * 1_200_000 // 128),  # section 5: 90 cycles, 1.2 million images
        ("imagenet-vgg", 0.01, 5e-4, 256, 370_000),  # section 3.1
        ("imagenet-resnet50", 0.1, 1e-4, 256, 600_000),  # section 3.4
    ],
)
def test_published_settings(name, rate, weight_decay, batch, steps):
    config = load_config(RECIPES[name], only(classification=ClassificationConfig))
    optimiser, schedule = config.optimiser, config.schedule
    assert (optimiser.name, optimiser.momentum, optimiser.clip) == ("momentum", 0.9, 0)
    assert (optimiser.learning_rate, optimiser.weight_decay) == (rate, weight_decay)
    assert (schedule.decay, schedule.decay_factor, schedule.warmup) == ("plateau", 0.1, 0)
    assert (config.batch_size, config.steps) == (batch, steps)
    assert config.data.flip
    assert config.data.augmentation.colour == 0.1
