"""A detector of lines is trained, resumed, exported and finds what torch finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from training_runs import StoppedError, assert_same_run, configured, loop_of, sections, stop_at, trained_in

import seetell
from seetell.errors import RecipeError, UsageError
from seetell.export.exporter import export_run
from seetell.nn.backbones import create_encoder
from seetell.tasks.registry import find_task
from seetell.tasks.text_detection.export import DetectorGraph
from seetell.tasks.text_detection.line_finder import LineFinder, padded, seen_scale
from seetell.tasks.text_detection.models.db import Db, DbConfig, TextMaps, balanced_cross_entropy, dice_loss
from seetell.tasks.text_detection.train import Training
from seetell.training.config import load_config
from seetell.training.recipes import shipped_recipes
from seetell.training.run_log import read_log


@pytest.mark.slow
def test_every_parameter_is_trained(lines_recipe):
    config = configured(lines_recipe)
    training = Training(config, Training.read(config))
    training.begin(training.phases()[0])
    terms = training.loss(0, training.batch(0))
    assert [term.name for term in terms] == ["text", "binary", "threshold"]
    sum(term.mean * term.weight for term in terms).backward()
    for module in training.modules.values():
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in module.parameters())


@pytest.mark.slow  # some seconds
def test_a_stopped_run_resumes_exactly(tmp_path, lines_recipe):
    config = configured(lines_recipe)
    pages = Training.read(config)
    loop_of(config, pages, tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(config, pages, tmp_path / "stopped", on_step=stop_at(3)).run()
    loop_of(config, pages, tmp_path / "stopped").run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.nightly  # an export
def test_a_bundle_finds_what_torch_finds(tmp_path, lines_recipe):
    config = configured(lines_recipe)
    loop_of(config, Training.read(config), tmp_path / "run").run()
    export_run(tmp_path / "run", tmp_path / "bundle", find_task=find_task, precisions=["fp32"])
    predictor = seetell.load(tmp_path / "bundle", task="text_detection")
    trained = trained_in(tmp_path / "run", "text_detection")
    graph = DetectorGraph(trained.encoder, trained.model).eval()

    class InTorch:
        def run(self, inputs: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
            with torch.no_grad():
                return [graph(torch.from_numpy(inputs["images"]))[0].numpy()]

    image = Training.read(config).val.render(3).image.crop((0, 0, 300, 200))
    expected = LineFinder(InTorch()).find(image)
    found = predictor.predict(image)
    assert len(found) == len(expected.scores)
    assert [line.score for line in found] == pytest.approx(sorted(expected.scores, reverse=True), abs=0.02)
    with pytest.raises(UsageError, match="threshold"):
        predictor.predict(image, threshold=2)


def test_lines_are_found_in_the_image_however_large_it_is():
    class Middle:
        """Says that the middle of the left half is text."""

        def run(self, inputs: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
            height, width = inputs["images"].shape[2:]
            assert height % 32 == width % 32 == 1
            text = np.zeros((1, (height + 1) // 2, (width + 1) // 2), np.float32)
            text[:, height // 5 : height * 3 // 10, width // 20 : width // 5] = 1  # 2/5 to 3/5 high, 1/10 to 2/5 wide
            return [text]

    for size in ((640, 640), (300, 200), (3000, 3000)):
        image = Image.new("RGB", size)
        ((left, top), _, (right, bottom), _) = LineFinder(Middle()).find(image).corners[0]
        assert (left + right) / 2 == pytest.approx(size[0] / 4, rel=0.06)
        assert (top + bottom) / 2 == pytest.approx(size[1] / 2, rel=0.16)  # what is padded counts as well
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]


def test_sizes_that_are_seen():
    sides = (100, 400, 640, 1000, 1280, 2560)
    assert [seen_scale((side, side * 3 // 4)) for side in sides] == [2, 1.6, 1, 1, 1, 0.5]
    assert seen_scale((480, 2560)) == 1
    assert padded(np.zeros((33, 40, 3), np.uint8)).shape == (33, 65, 3)
    assert padded(np.zeros((1, 1280, 3), np.uint8)).shape == (33, 1281, 3)


def test_losses_by_hand():
    target = torch.tensor([[[1.0, 0.0, 0.0, 0.0, 0.0]]])
    logits = torch.tensor([[[0.0, 0.0, -9.0, -9.0, -9.0]]])
    easy, hard = np.log1p(np.exp(-9)), np.log(2)
    assert balanced_cross_entropy(logits, target, negatives=1.0).item() == pytest.approx(hard, abs=1e-5)
    assert balanced_cross_entropy(logits, target, negatives=3.0).item() == pytest.approx((2 * hard + 2 * easy) / 4)
    assert balanced_cross_entropy(logits, torch.zeros_like(target), negatives=3.0).item() == pytest.approx(hard)
    assert dice_loss(target, target).item() == pytest.approx(0, abs=1e-5)
    assert dice_loss(1 - target, target).item() == pytest.approx(1)


def test_the_binary_map_is_steep_about_the_threshold():
    encoder = create_encoder("text_small", weights="none", image_size=65)
    network = Db(DbConfig(width=4, head_width=4), encoder)
    images = torch.randn(1, 3, 65, 65)
    maps = TextMaps(*(torch.zeros(1, 33, 33) for _ in TextMaps._fields))
    losses = network.losses(encoder, images, maps)
    assert losses["threshold"].item() == 0  # nothing counts
    assert network.logits(encoder, images).shape == (1, 33, 33)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_detection": {"crop": 96}}, "crop: expected a multiple of 32 and one"),
        ({"text_detection": {"scale": [2, 1]}}, "scale: expected two positive factors"),
        ({"text_detection": {"db": {"width": 0}}}, r"text_detection\.db\.width"),
        ({"data": {"path": "photos"}}, r"data\.path: a text detector is trained on rendered"),
        ({"validation": {"photos": -1}}, r"validation\.photos: there is no end"),
    ],
)
def test_wrong_fields_are_named(lines_recipe: dict[str, Any], changes, message):
    with pytest.raises(RecipeError, match=message):
        configured(lines_recipe, **changes)


@pytest.mark.slow  # some seconds
def test_the_recipe_begins_as_it_is_written(tmp_path, lines_recipe):
    fonts = lines_recipe["text_detection"]["pages"]["fonts"]
    small = ["steps=1", "batch_size=1", "validation.photos=1", "text_detection.pages.count=1", "text_detection.crop=97"]
    settings = [*small, f"text_detection.pages.fonts={fonts}", "device=cpu"]
    config = load_config(shipped_recipes()["text-lines"], sections, settings)
    loop_of(config, Training.read(config), tmp_path / "run").run()
    assert 0 < read_log(tmp_path / "run" / "log.jsonl")[0]["loss"] < 20
