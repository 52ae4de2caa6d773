from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from training_runs import StoppedError, logged, loop_of, merged, stop_at

from seetell.errors import DataError, RecipeError
from seetell.export.exporter import export_run
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.tasks.classification.config import ClassificationConfig
from seetell.tasks.classification.model import build
from seetell.tasks.classification.train import Training
from seetell.tasks.registry import find_task
from seetell.training.adaptation import read_target
from seetell.training.adaptation_config import USE_TARGET
from seetell.training.adaptation_methods import METHODS
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import RunConfig, config_from_dict, only
from seetell.training.loop import TrainingLoop
from seetell.training.trained import load_exported

LOGGED = {
    "gradient_reversal": "domain_accuracy",
    "mmd": "squared_mmd",
    "instance_weighting": "effective_share",
    "kernel_mean_matching": "effective_share",
    "group_dro": "largest_group_weight",
}


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen pictures of two classes, and ten darker ones without labels; not to be written to."""
    folder = tmp_path_factory.mktemp("squares")
    for number in range(28):
        label = ("red", "blue")[number % 2]
        colour = (200 - 5 * number, 40, 50) if label == "red" else (30, 60, 220 - 5 * number)
        place = folder / ("classes" if number < 18 else "target") / ("" if number >= 18 else label)
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), colour if number < 18 else tuple(part // 2 for part in colour)).save(
            place / f"{number}.png"
        )
    return folder


@pytest.fixture(scope="module")
def content(squares: Path, small_encoder: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {
        "task": "classification",
        "data": {"path": str(squares / "classes"), "flip": False},
        "encoder": {**small_encoder, "image_size": 32, "cache": str(tmp_path_factory.mktemp("cache")), "adapter": 2},
        "optimiser": {"learning_rate": 1e-2, "clip": 0},
        "validation": {"every": 4},
        "batch_size": 4,
        "steps": 4,
        "checkpoint_every": 2,
        "log_every": 1,
        "threads": 1,
    }


def configured(content: dict[str, Any], method: str, squares: Path, **changes: Any) -> RunConfig:
    adaptation = {"method": method, "groups": 2, "style_stage": 2, "style_probability": 1.0}
    if method in USE_TARGET:
        adaptation["target"] = str(squares / "target")
    return made(merged({**content, "adaptation": adaptation}, changes))


def made(content: dict[str, Any]) -> RunConfig:
    return config_from_dict(content, only(classification=ClassificationConfig))


def run(config: RunConfig, folder: Path, **options: Any) -> TrainingLoop:
    config = Training.complete(config)
    loop = loop_of(config, Training.read(config), folder, **options)
    loop.run()
    return loop


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, marks=[pytest.mark.slow] if method == "kernel_mean_matching" else [])
        for method in METHODS
        if method != "adapters"
    ],
)
def test_a_stopped_run_resumes_exactly(tmp_path, content, squares, method):
    config = configured(content, method, squares)
    loop = run(config, tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(config, tmp_path / "stopped", on_step=stop_at(3))
    run(config, tmp_path / "stopped")
    assert len(logged(tmp_path / "whole", "loss")) == 4
    for key in ("loss", "validation_loss", *([LOGGED[method]] if method in LOGGED else [])):
        assert logged(tmp_path / "stopped", key) == logged(tmp_path / "whole", key)
    (ours, _), (theirs, _) = (
        read_checkpoint(tmp_path / name / "checkpoint.safetensors") for name in ("stopped", "whole")
    )
    assert ours.keys() == theirs.keys() >= {"classifier", "encoder"}
    assert all(torch.equal(ours[part][key], value) for part in theirs for key, value in theirs[part].items())
    moved = loop.training.encoder.adapter.up.weight
    assert moved.abs().max() > 0  # the adapter is trained
    if method in LOGGED:
        assert "adaptation" in ours


@pytest.mark.slow
def test_methods_change_training(tmp_path, content, squares):
    losses = {}
    for method in ("none", "instance_weighting", "group_dro", "mixstyle"):
        run(configured(content, method, squares, steps=2), tmp_path / method)
        key = "class_loss" if method in LOGGED else "loss"
        losses[method] = logged(tmp_path / method, key)[0][1]
    assert len(set(losses.values())) == 4


@pytest.mark.slow
def test_adapters_refine_a_model_that_stays_as_it_is(tmp_path, content, squares):
    content = {**content, "classification": {"label_smoothing": 0.1}}
    before = run(configured(content, "none", squares, encoder={"adapter": 0}), tmp_path / "source").training.classifier
    after = run(configured(content, "adapters", squares, init_from=str(tmp_path / "source")), tmp_path / "refined")
    model = after.training.classifier.state_dict()
    assert all(torch.equal(model[key], value) for key, value in before.state_dict().items() if key != "temperature")
    assert after.training.encoder.adapter.up.weight.abs().max() > 0
    assert after.training.section.labels == ("blue", "red")
    again = run(configured(content, "adapters", squares, init_from=str(tmp_path / "refined")), tmp_path / "again")
    norm = after.training.encoder.adapter.norm
    assert torch.equal(again.training.encoder.adapter.norm.mean, norm.mean)  # fitted once


@pytest.mark.slow
def test_a_bundle_has_the_adapter_in_its_encoder(tmp_path, content, squares):
    encoder = run(configured(content, "none", squares), tmp_path / "run").training.encoder.eval()
    export_run(tmp_path / "run", tmp_path / "bundle", find_task=find_task, precisions=("fp32",))
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    graph = Graph.open(Bundle.load(tmp_path / "bundle"), "encoder", threads=1)
    found = torch.from_numpy(graph.run({"images": images.numpy()}, ["pooled"])[0])
    with torch.no_grad():
        expected, before = encoder(images).pooled, encoder.base(images).pooled
    torch.testing.assert_close(found, expected, atol=1e-3 * expected.abs().max().item(), rtol=0)
    assert (before - expected).abs().max() > 0.01 * expected.abs().max()
    again, _ = load_exported(tmp_path / "bundle", build, only(classification=ClassificationConfig), part="classifier")
    assert torch.equal(again.adapter.up.weight.half(), encoder.adapter.up.weight.half())


def test_the_photos_of_the_target(tmp_path, content, squares):
    config = configured(content, "mmd", squares)
    assert len(read_target(config)) == 10
    assert read_target(configured(content, "none", squares)) == ()
    (tmp_path / "few").mkdir()
    for path, message in {"absent": "no folder of photos", "few": "has 0 photos"}.items():
        config = configured(content, "mmd", squares, adaptation={"target": str(tmp_path / path)})
        with pytest.raises(DataError, match=message):
            run(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adaptation": {"method": "wishes"}}, "adaptation.method: unknown value"),
        ({"adaptation": {"method": "mmd"}}, "adaptation.target: mmd learns from photos of the target domain"),
        ({"adaptation": {"target": "photos"}}, "adaptation.target: none reads no photos"),
        ({"adaptation": {"largest_weight": 1}}, "adaptation.largest_weight: expected more than the mean"),
        ({"adaptation": {"method": "mmd", "target": "t"}, "encoder": {"adapter": 0}}, "set encoder.adapter, such as"),
        ({"adaptation": {"method": "gradient_reversal", "target": "t"}, "steps": -1}, "must be a number, not -1"),
        ({"adaptation": {"method": "adapters"}}, "init_from: name the model"),
        ({"adaptation": {"method": "adapters"}, "encoder": {"adapter": 0}, "init_from": "m"}, "encoder.adapter: set"),
        ({"adaptation": {"method": "mixstyle"}, "encoder": {"adapter": 0, "cache": ""}}, "set encoder.cache"),
        ({"encoder": {"adapter": 2, "cache": ""}}, "encoder.cache: an adapter is trained on cached features"),
        ({"classification": {"train_encoder_after": 0}}, "encoder.adapter: stands behind a frozen encoder"),
        ({"encoder": {"adapter": -1}}, "encoder.adapter"),
    ],
)
def test_what_cannot_be(content, changes, message):
    with pytest.raises(RecipeError, match=message):
        made(merged(content, changes))


def test_group_weights_need_whole_batches(tmp_path, content, squares):
    with pytest.raises(RecipeError, match="weights of group_dro follow the losses of a whole batch"):
        run(configured(content, "group_dro", squares, batch_parts=2), tmp_path / "run")


@pytest.mark.slow
def test_an_encoder_that_is_trained_itself_is_aligned(tmp_path, content, squares):
    trained = {"encoder": {"adapter": 0, "cache": ""}, "classification": {"train_encoder_after": 0}, "steps": 2}
    loop = run(configured(content, "gradient_reversal", squares, **trained), tmp_path / "run")
    assert len(logged(tmp_path / "run", "domain_loss")) == 2
    assert "adaptation" in loop.training.modules
