from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from explain.small_network import small_network
from PIL import Image

from seetell.errors import CheckpointError, UsageError
from seetell.explain import fast_style
from seetell.explain.drawn_styles import draw_style
from seetell.explain.fast_style import main as program
from seetell.explain.fast_style import train_fast_style, unlike_in_brightness
from seetell.explain.pictures import to_picture
from seetell.explain.style_export import export_styles
from seetell.explain.style_model import BUNDLED, StyleModel, load_style_model
from seetell.explain.style_network import ConditionalInstanceNorm, StyleNetwork
from seetell.runtime.bundle import BUNDLES, Bundle, bundled_models
from seetell.training.config import CardConfig

LAYERS = ("layers.first", "layers.second")


def small(styles: tuple[str, ...] = ("waves", "dots")) -> StyleNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StyleNetwork(styles, channels=(4, 6, 8), blocks=1)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    rng, paths = np.random.default_rng(0), []
    for number, size in enumerate([(50, 40), (40, 70), (45, 45)]):
        pixels = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).resize(size).save(paths[-1])
    return paths


def test_the_normalisation_is_that_of_the_style_or_of_a_mixture():
    norm = ConditionalInstanceNorm(1, 2)
    norm.scale.data = torch.tensor([[2.0], [4.0]])
    norm.shift.data = torch.tensor([[1.0], [-1.0]])
    x = torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2)  # normalised: -1, 1
    for mix, expected in (([1.0, 0.0], [-1.0, 3.0]), ([0.0, 1.0], [-5.0, 3.0]), ([0.5, 0.5], [-3.0, 3.0])):
        assert norm(x, torch.tensor([mix])).flatten().tolist() == pytest.approx(expected, abs=1e-4)


def test_the_photo_is_the_first_style():
    network, images = small().eval(), torch.rand(2, 3, 16, 24) * 2 - 1
    mix = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    kept, half = network(images, mix).detach()
    assert torch.equal(kept, images[0])
    drawn = (half - 0.5 * images[1]) / 0.5
    assert float(drawn.abs().max()) <= 1
    assert not torch.allclose(drawn, images[1], atol=0.1)


def test_brightness_is_compared_cell_by_cell():
    photo = torch.zeros(1, 3, 8, 24)
    photo[..., 8:16], photo[..., 16:] = 0.5, 1.0
    noise = torch.randn(1, 3, 8, 24, generator=torch.Generator().manual_seed(0))
    fine = noise - noise.mean(dim=1, keepdim=True)  # colours alone
    assert float(unlike_in_brightness(0.1 * photo - 0.7 + fine, photo)) == pytest.approx(0, abs=1e-3)
    assert float(unlike_in_brightness(-photo, photo)) == pytest.approx(2, abs=1e-3)


@pytest.mark.slow
def test_the_loss_falls_and_every_parameter_learns(photos: list[Path]):
    network, encoder = small(), small_network()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    styles = [draw_style(name, 64) for name in network.styles]
    told: list[tuple[int, int]] = []
    losses = list(
        train_fast_style(
            network,
            encoder,
            photos,
            styles,
            steps=15,
            batch=2,
            side=32,
            learning_rate=1e-2,
            progress=lambda *how: told.append(how),
            content_layers=LAYERS[1:],
            style_layers=LAYERS,
        )
    )
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert told[-1] == (15, 15)
    learnt = {name for name, each in network.state_dict().items() if not torch.equal(each, before[name])}
    assert learnt == set(before)


def test_a_network_is_saved_and_loaded(tmp_path: Path):
    network = small().eval()
    network.save(tmp_path / "styles.safetensors")
    loaded = StyleNetwork.load(tmp_path / "styles.safetensors")
    assert loaded.styles == ("waves", "dots")
    images, mix = torch.rand(1, 3, 16, 16), torch.tensor([[0.2, 0.3, 0.5]])
    assert torch.equal(network(images, mix), loaded(images, mix))
    (tmp_path / "styles.safetensors").write_bytes(b"{}")
    with pytest.raises(CheckpointError, match="holds no network of styles"):
        StyleNetwork.load(tmp_path / "styles.safetensors")


@pytest.mark.slow
def test_the_program_trains_and_writes(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(fast_style, "create_encoder", lambda name, weights: small_network())
    monkeypatch.setattr(
        train_fast_style,
        "__kwdefaults__",
        {**train_fast_style.__kwdefaults__, "content_layers": LAYERS, "style_layers": LAYERS},
    )
    exported: list[tuple[StyleNetwork, Path, dict[str, Any]]] = []
    monkeypatch.setattr(fast_style, "export_styles", lambda *what, **how: exported.append((*what, how)))
    words = ["--styles", "hatching", str(photos[0]), "--steps", "2", "--log-every", "1", "--side", "32", "--batch", "1"]
    program([str(tmp_path), "--output", str(tmp_path / "mine"), *words, "--terms", "Mine"])
    assert capsys.readouterr().out.startswith("step 1 of 2, loss ")
    assert StyleNetwork.load(tmp_path / "mine.safetensors").styles == ("hatching", "0")
    ((network, folder, described),) = exported
    assert (network.styles, network.training, folder) == (("hatching", "0"), False, tmp_path / "mine")
    assert (described["card"].terms, described["steps"], described["started_from"]) == ("Mine", 2, "")
    again = [str(tmp_path), "--output", str(tmp_path / "again"), "--init-from", str(tmp_path / "mine.safetensors")]
    program([*again, *words[:3], "--steps", "0"])
    before, after = (each[0].state_dict() for each in exported)
    assert all(torch.equal(weights, after[name]) for name, weights in before.items())
    assert exported[1][2]["started_from"] == "mine.safetensors"
    with pytest.raises(UsageError, match="expected its styles, hatching 0"):
        program([*again, "--styles", "waves"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, one_registry: None) -> StyleModel:
    folder = tmp_path_factory.mktemp("styles") / "small"
    network = small().eval()
    export_styles(network, folder, encoder="none", card=CardConfig(), command="", started_from="", steps=1, config={})
    assert Bundle.load(folder).labels == network.styles
    loaded = load_style_model(folder, threads=1)
    loaded.network = network  # type: ignore[attr-defined]
    return loaded


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 32), (33, 50), (100, 3), (1, 1)])
def test_a_bundle_draws_as_the_network_does(model: StyleModel, size: tuple[int, int]):
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    made = model.draw(photo, {"waves": 1, "dots": 3}, side=max(size), strength=0.8)
    assert made.size == size
    if size == (40, 32):
        images = torch.from_numpy(model.network.preprocessing.normalise(np.asarray(photo)))[None]  # type: ignore[attr-defined]
        drawn = model.network(images, torch.tensor([[0.2, 0.2, 0.6]])).detach()  # type: ignore[attr-defined]
        expected = np.asarray(to_picture(drawn, model.network.preprocessing)).astype(int)  # type: ignore[attr-defined]
        assert np.abs(np.asarray(made).astype(int) - expected).max() <= 2
    assert model.draw(photo, {"dots": 1}, side=max(size), strength=0).tobytes() == photo.tobytes()


@pytest.mark.skipif(BUNDLED not in bundled_models(), reason="no model is bundled with this checkout")
@pytest.mark.parametrize(
    ("styles", "strength", "message"),
    [
        ({"wave": 1}, 1, "unknown style 'wave'. Did you mean 'waves'"),
        ({"waves": 0}, 1, "expected weights of styles"),
        ({"waves": 2, "dots": -1}, 1, "expected weights of styles"),
        ({"waves": float("nan")}, 1, "expected weights of styles"),
        ({}, 1, "expected weights of styles"),
        ({"waves": 1}, 1.5, "expected a number from 0 to 1, got 1.5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(styles: dict[str, float], strength: float, message: str):
    with pytest.raises(UsageError) as caught:
        load_style_model(threads=1).draw(Image.new("RGB", (40, 30)), styles, side=40, strength=strength)
    assert message in str(caught.value)


def test_a_model_of_another_task_draws_no_styles():
    with pytest.raises(UsageError, match="unknown model of styles 'caption'"):
        load_style_model("caption")
    with pytest.raises(UsageError, match="is a model for detection, and draws no styles"):
        load_style_model(BUNDLES / "coco-nanodet")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing", "--output", "mine"], "missing: no such folder; expected a folder of photos"),
        (["empty", "--output", "mine"], "empty: no photos in it; expected a folder of photos"),
        ([".", "--output", "no/mine"], "there is no folder no; make it first"),
        ([".", "--output", "empty"], "--output empty: is there already; name another folder"),
        ([".", "--output", "mine", "--log-every", "0"], "--log-every: expected at least 1, got 0"),
    ],
)
def test_wrong_use_is_refused_before_any_work(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        program(words)
    assert message in str(caught.value)
