"""Captioners see through any encoder: features from the cache while it is frozen, its pixels while it is trained."""

from __future__ import annotations

import pytest
import torch
from captioned_shapes import write_shapes
from training_runs import configured, logged, loop_of, trained_in

import seetell
from seetell.data import read
from seetell.export.exporter import export_run
from seetell.nn.backbones import create_encoder, weights_hash
from seetell.tasks.registry import find_task

pytestmark = pytest.mark.slow

ENCODERS = {
    "cifar_resnet20": 32,
    "lenet5": 32,
    "nin": 32,
    "fishnet99": 64,
    "googlenet": 64,
    "torchvision/vgg11": 64,
    "torchvision/mobilenet_v2": 64,
    "test_resnet": 64,
    "test_vit": 96,
}
CAPTIONERS = {
    "neuraltalk2": {"embedding_size": 16, "hidden_size": 16, "dropout": 0.0},
    "transformer": {"width": 16, "feedforward": 32, "dropout": 0.0},
}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.mark.parametrize("architecture", CAPTIONERS)
@pytest.mark.parametrize("name", ENCODERS)
def test_frozen_and_then_trained(name, architecture, shapes, tmp_path):
    train(name, architecture, shapes, tmp_path, finetune={"after": 2, "optimiser": {"learning_rate": 1e-3}})
    assert [step for step, _ in logged(tmp_path / "run", "loss")] == [0, 1, 2, 3, 4]
    assert len(list((tmp_path / "cache").iterdir())) == 1
    trained = trained_in(tmp_path / "run", "caption").encoder
    torch.manual_seed(123)
    assert weights_hash(trained) != weights_hash(create_encoder(name, weights="none", image_size=ENCODERS[name]))


@pytest.mark.nightly
@pytest.mark.parametrize("architecture", CAPTIONERS)
@pytest.mark.parametrize("name", ENCODERS)
def test_exported_they_say_what_torch_says(name, architecture, shapes, tmp_path, one_registry):
    train(name, architecture, shapes, tmp_path)
    export_run(tmp_path / "run", tmp_path / "bundle", find_task=find_task, precisions=("fp32",))
    caption = seetell.load(str(tmp_path / "bundle"), threads=1).predict(shapes / "red-cross.png")
    assert -20 < caption.logprob < 0  # END may come first, after five steps


def train(name, architecture, shapes, folder, **section):
    content = {
        "task": "captioning",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2},
        "encoder": {"name": name, "weights": "none", "image_size": ENCODERS[name], "cache": str(folder / "cache")},
        "optimiser": {"learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0},
        "validation": {"every": 5},
        "batch_size": 4,
        "steps": 5,
        "log_every": 1,
        "threads": 1,
        "captioning": {"architecture": architecture, "captioner": CAPTIONERS[architecture], **section},
    }
    loop_of(configured(content), read(shapes), folder / "run").run()
