from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from explain.small_network import small_network
from PIL import Image

from seetell.errors import UsageError
from seetell.explain import fast_style
from seetell.explain.drawn_styles import draw_style
from seetell.explain.fast_style import ConditionalInstanceNorm, StyleNetwork, train_fast_style

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


@pytest.mark.parametrize("size", [(8, 8), (33, 50)])
def test_pictures_keep_their_size(size: tuple[int, int]):
    network = small().eval()
    made = network(torch.rand(2, 3, *size), torch.eye(2))
    assert made.shape == (2, 3, *size)
    assert float(made.detach().abs().max()) <= 1


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
            steps=25,
            batch=2,
            side=32,
            learning_rate=1e-2,
            progress=lambda *how: told.append(how),
            content_layers=LAYERS[1:],
            style_layers=LAYERS,
        )
    )
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert told[-1] == (25, 25)
    learnt = {name for name, each in network.state_dict().items() if not torch.equal(each, before[name])}
    without = {name for name in before if name.endswith("convolution.bias")}  # which the normalisation takes away
    assert set(before) - without <= learnt


def test_a_network_is_saved_and_loaded(tmp_path: Path):
    network = small().eval()
    network.save(tmp_path / "styles.safetensors")
    loaded = StyleNetwork.load(tmp_path / "styles.safetensors")
    photo = Image.new("RGB", (60, 30), (200, 100, 50))
    assert loaded.styles == ("waves", "dots")
    assert np.array_equal(network.draw(photo, ["dots"], side=40), loaded.draw(photo, ["dots"], side=40))
    assert loaded.draw(photo, ["dots", "waves"], [3, 1], side=40).size == (40, 20)


def test_the_program_trains_and_writes(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(fast_style, "create_encoder", lambda name, weights: small_network())
    monkeypatch.setattr(
        train_fast_style,
        "__kwdefaults__",
        {**train_fast_style.__kwdefaults__, "content_layers": LAYERS, "style_layers": LAYERS},
    )
    output = tmp_path / "styles.safetensors"
    words = ["--styles", "hatching", str(photos[0]), "--steps", "2", "--log-every", "1", "--side", "32", "--batch", "1"]
    fast_style.main([str(tmp_path), "--output", str(output), *words])
    assert capsys.readouterr().out.startswith("step 1 of 2, loss ")
    assert StyleNetwork.load(output).styles == ("hatching", "0")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing", "--output", "a.safetensors"], "missing: no such folder; expected a folder of photos"),
        (["empty", "--output", "a.safetensors"], "empty: no photos in it; expected a folder of photos"),
        ([".", "--output", "no/a.safetensors"], "there is no folder no; make it first"),
        ([".", "--output", "a.safetensors", "--log-every", "0"], "--log-every: expected at least 1, got 0"),
    ],
)
def test_wrong_use_is_refused_before_any_work(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        fast_style.main(words)
    assert message in str(caught.value)
