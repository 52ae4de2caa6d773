from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_runs import configured, loop_of, trained_in

from seetell.errors import RecipeError
from seetell.export.declaration import GraphSpec
from seetell.nn.backbones import create_encoder, vgg
from seetell.nn.upsampling import UpConvolution
from seetell.runtime.sessions import Graph
from seetell.tasks.segmentation.export import SegmenterGraph
from seetell.tasks.segmentation.model import build
from seetell.tasks.segmentation.models.segnet import SegNet
from seetell.tasks.segmentation.train import Training

PLAIN = {"name": "segnet_basic", "weights": "none", "options": {"channels": [6, 8, 8, 8], "kernel": 3}}
MODELS = {"fcn32s": {}, "fcn16s": {}, "fcn8s": {}, "unet": {}, "unet on a plain encoder": PLAIN, "segnet": PLAIN}


def content(recipe: dict[str, Any], name: str) -> dict[str, Any]:
    section = {**recipe["segmentation"], "model": name.split()[0], "labels": ["sky", "grass", "red thing"]}
    return {**recipe, "encoder": {**(MODELS[name] or recipe["encoder"])}, "segmentation": section}


def made(recipe: dict[str, Any], name: str) -> tuple[Any, Any]:
    config = configured(content(recipe, name))
    chosen = config.encoder
    encoder = create_encoder(chosen.name, weights=chosen.weights, image_size=chosen.image_size, options=chosen.options)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return encoder, build(config, encoder, None).eval()


@pytest.mark.parametrize("name", MODELS)
def test_every_pixel_is_scored_and_every_parameter_learns(recipe: dict[str, Any], name: str):
    encoder, model = made(recipe, name)
    images = torch.randn(2, 3, 64, 96)
    logits = model.train().segment(encoder, images)
    assert logits.shape == (2, 3, 64, 96)
    assert logits.isfinite().all()
    logits.square().sum().backward()
    unlearnt = [name for name, each in model.named_parameters() if each.grad is None]
    assert unlearnt == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in MODELS if name != "unet"])
def test_every_model_learns_ten_pictures(recipe: dict[str, Any], name: str, tmp_path: Path):
    section = {"encoder": {"train_batch_norms": name in ("segnet", "unet on a plain encoder")}}
    config = Training.complete(configured(content(recipe, name), steps=200, validation={"every": 200}, **section))
    loop_of(config, Training.read(config), tmp_path / "run").run()
    scores = trained_in(tmp_path / "run", "segmentation").metadata["scores"]
    assert scores["mean_iou"] > (0.55 if name == "fcn32s" else 0.7), scores


@pytest.mark.nightly
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_exported(recipe: dict[str, Any], name: str, one_registry: None):
    encoder, model = made(recipe, name)
    module = SegmenterGraph(encoder, model).eval()
    shapes = ({0: torch.export.Dim("images", min=1)},)
    spec = GraphSpec("segmenter", module, (torch.randn(2, 3, 64, 96),), ("images",), ("probabilities",), shapes)
    graph = Graph(spec.to_onnx(), threads=1)
    for count in (1, 3):
        images = torch.randn(count, 3, 64, 96)
        with torch.no_grad():
            expected = module(images)[0].numpy()
        (found,) = graph.run({"images": images.numpy()}, ["probabilities"])
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_finer_networks_begin_as_the_coarser_ones(recipe: dict[str, Any], tmp_path: Path):
    """FCN-8s begins as FCN-16s, which begins as FCN-32s (Long et al., 2015, section 4.2)."""
    images = torch.randn(1, 3, 65, 97)  # whole cells at every stride, so that no border is extrapolated
    expected, settings = None, {}
    for name in ("fcn32s", "fcn16s", "fcn8s"):
        config = Training.complete(configured(content(recipe, name), steps=1, validation={"every": 1}, **settings))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
            loop_of(config, Training.read(config), tmp_path / name).run()
        trained = trained_in(tmp_path / name, "segmentation")
        settings = {"init_from": str(tmp_path / name)}
        if expected is not None:
            begun = Training(config, Training.read(config))
            begun.initialise()
            with torch.no_grad():
                begun.model.eval()
                np.testing.assert_allclose(begun.segmenter.segment(begun.encoder, images), expected, atol=1e-5)
        with torch.no_grad():
            expected = trained.model.segment(trained.encoder, images)


def parameters_of(name: str, *, classes: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return the parameters of an encoder and a segmenter in millions."""
    kernels = ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))  # of configuration D; C has some of 1 × 1
    monkeypatch.setitem(vgg.KERNELS, "vgg_c", kernels)
    with torch.device("meta"):
        encoder = create_encoder(name, weights="none")
        segmenter = SegNet(encoder, classes, dropout=0.0)
    return sum(each.numel() for module in (encoder, segmenter) for each in module.parameters()) / 1e6


def test_segnets_have_the_parameters_of_their_paper(monkeypatch: pytest.MonkeyPatch):
    """Badrinarayanan et al., 2017, tables 1 and 6: SegNet-Basic has 1.425 million, SegNet over VGG-16 29.45."""
    count = partial(parameters_of, classes=11, monkeypatch=monkeypatch)
    assert count("segnet_basic") == pytest.approx(1.425, rel=0.01)
    assert count("vgg_c") == pytest.approx(29.45, rel=0.002)


def test_a_u_net_has_the_layers_of_its_paper(recipe: dict[str, Any]):
    """Ronneberger et al., 2015, section 2: 23 convolutions, ten of them in the contracting path of five stages."""
    _, model = made(recipe, "unet")
    stages = len(model.strides)
    expanding = sum(isinstance(each, torch.nn.Conv2d | UpConvolution) for each in model.modules())
    assert expanding == 3 * (stages - 1) + 1
    assert 2 * 5 + 3 * (5 - 1) + 1 == 23


def test_encoders_that_do_not_suit_are_refused(recipe: dict[str, Any]):
    for name, encoder, message in (
        ("fcn32s", PLAIN, "needs maps at strides"),
        ("segnet", recipe["encoder"], "2×2 maximum pooling"),
    ):
        given = configured({**content(recipe, name), "encoder": {**encoder, "weights": "none"}})
        chosen = given.encoder
        made_encoder = create_encoder(chosen.name, weights=chosen.weights, options=chosen.options)
        with pytest.raises(RecipeError, match=message):
            build(given, made_encoder, None)
    config = configured(recipe, segmentation={"channels": [8], "labels": ["a", "b"]})
    made_encoder = create_encoder(recipe["encoder"]["name"], weights="none")
    with pytest.raises(RecipeError, match=r"segmentation\.channels"):
        build(config, made_encoder, None)
