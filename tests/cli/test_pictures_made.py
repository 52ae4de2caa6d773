"""``seetell dream``, ``style`` and ``visualise``, with a small network in the place of a real one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from explain.small_network import linear_scores, small_network
from PIL import Image

from seetell.cli import picture_options, visualise
from seetell.cli.main import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        pixels = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    for module in ("dream", "style", "visualise", "visualise_photos"):
        monkeypatch.setattr(f"seetell.cli.{module}.load_encoder", lambda name: small_network())
    preprocessing = small_network().preprocessing
    monkeypatch.setattr(visualise, "_classifier", lambda model, name: (linear_scores(), 2, preprocessing))

    monkeypatch.setattr("seetell.explain.texture.STYLE_LAYERS", ("layers.first",))

    def run(*arguments: str) -> tuple[int, str, str]:
        """Return the exit status of the command and what it wrote to standard output and error."""
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


LAYER = ("--layer", "layers.second")
COMMANDS = {
    "dream": ("dream", "photos/0.png", "--side", "64", "--octaves", "2", "--steps", "2", *LAYER),
    "filters": ("visualise", "filters"),
    "patches": ("visualise", "patches", "photos", *LAYER, "--channel", "1", "--channel", "2", "--top", "2"),
    "class": ("visualise", "class", "tabby", "--steps", "2", "--least-norm", "10", "--least-contribution", "10"),
    "fool": ("visualise", "fool", "photos/0.png", "tabby"),
    "invert": ("visualise", "invert", "photos/0.png", *LAYER, "--steps", "2"),
    "texture": ("visualise", "texture", "waves", "--side", "64", "--steps", "2"),
    "map": ("visualise", "map", "photos", "--side", "200"),
    "pca": ("visualise", "map", "photos", "--method", "pca", "--side", "200"),
    "neighbours": ("visualise", "neighbours", "photos", "--top", "9"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_picture_is_made(run, tmp_path: Path, name: str):
    status, out, err = run(*COMMANDS[name], "--output", "made.png")
    assert (status, err) == (0, "")
    assert ("probability" in out) == (name == "fool")
    with Image.open(tmp_path / "made.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 8


def test_styles_are_files_or_drawn(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = []

    def transfer(encoder, content, styles, *, weights, options, progress) -> Image.Image:
        made.append(([style.size for style in styles], weights, options))
        for step in range(1, 5):
            progress(step, 4)
        return content

    monkeypatch.setattr("seetell.explain.style.style_transfer", transfer)
    words = ("style", "photos/0.png", "waves", "photos/1.png", "--side", "64", "--output", "made.jpg")
    assert run(*words, "--mix", "2", "--mix", "1", "--keep-colour", "--optimiser", "lbfgs")[0] == 0
    ((sizes, weights, options),) = made
    assert (sizes, weights) == ([(64, 64), (32, 24)], (2.0, 1.0))
    assert (options.side, options.keep_colour, options.lbfgs) == (64, True, True)
    status, _, err = run(*words, "--mix", "2")
    assert status == 2
    assert "--mix: expected a weight for each of 2 styles" in err
    status, _, err = run("style", "photos/0.png", "missing.png", "--output", "other.jpg")
    assert (status, "missing.png: no such file" in err) == (1, True)


def test_a_trained_network_draws_in_one_pass(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    class Model:
        def draw(self, picture: Image.Image, styles: dict[str, float], *, side: int, strength: float) -> Image.Image:
            asked.append((styles, side, strength))
            return Image.new("RGB", (64, 48), (200, 30, 30))

    monkeypatch.setattr("seetell.explain.style_model.load_style_model", lambda model, threads: Model())
    monkeypatch.setattr("seetell.extras.EXTRAS", {"train": ("no_such_module",)})
    words = ("style", "photos/0.png", "waves", "glass", "waves", "--fast", "--side", "64")
    assert run(*words, "--mix", "2", "--mix", "1", "--mix", "3", "--strength", "0.5", "-o", "a.png") == (0, "", "")
    assert run(*words, "--keep-colour", "-o", "b.png")[0] == 0
    assert asked == [({"waves": 5.0, "glass": 1.0}, 64, 0.5), ({"waves": 2.0, "glass": 1.0}, 64, 1.0)]
    with Image.open(tmp_path / "a.png") as drawn, Image.open(tmp_path / "b.png") as coloured:
        assert len(drawn.getcolors(9999)) == 1 < len(coloured.getcolors(9999))
    status, _, err = run("style", "photos/0.png", "waves", "--strength", "0.5", "-o", "c.png")
    assert (status, "needs no_such_module" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("dream", "photos/0.png", "--output", "made.txt"), "expected a name that ends in .png"),
        (("dream", "photos/0.png", "--output", "photos/0.png"), "would overwrite what this command reads"),
        (("dream", "photos/0.png", "--layer", "layers.thrid", "--output", "a.png"), "Did you mean 'layers.third'?"),
        (("visualise", "patches", "photos", *LAYER, "--channel", "99", "--output", "a.png"), "has the channels 0 to "),
        (("visualise", "fool", "photos/0.png", "tabby", "--output", "a.jpg"), "a JPEG would lose so small a change"),
        (
            ("style", "photos/0.png", "waves", "--strength", "0.5", "-o", "a.png"),
            "--model and --strength go with --fast",
        ),
        (
            ("style", "photos/0.png", "waves", "--fast", "--style-weight", "9", "-o", "a.png"),
            "are for optimisation; with --fast say --strength",
        ),
        (
            ("style", "photos/0.png", "photos/1.png", "--fast", "-o", "a.png"),
            "photos/1.png: --fast draws mosaic, waves, dots, hatching, strokes, glass; without it, the style of any",
        ),
        (("visualise", "map", "photos/0.png", "--output", "a.png"), "takes two photos or more, got 1"),
    ],
)
def test_wrong_use_is_refused(run, words: tuple[str, ...], message: str):
    status, _, err = run(*words)
    assert status == 2
    assert message in err


@pytest.mark.parametrize("name", ["patches", "map", "neighbours"])
def test_a_photo_that_fails_is_left_out(run, tmp_path: Path, name: str):
    (tmp_path / "photos" / "broken.png").write_bytes(b"no photo")
    status, _, err = run(*COMMANDS[name], "--output", "made.png")
    assert status == 1
    assert "broken.png: not a photo" in err
    assert (tmp_path / "made.png").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("dream", "PHOTO"),
        ("style", "PHOTO", "waves"),
        ("style", "photos/0.png", "PHOTO"),
        ("visualise", "fool", "PHOTO", "tabby"),
        ("visualise", "invert", "PHOTO"),
        ("visualise", "texture", "PHOTO"),
    ],
)
def test_the_one_photo_that_is_missing_or_none_fails(run, tmp_path: Path, words: tuple[str, ...]):
    """As it does for seetell caption; exit status 2 is for wrong use."""
    (tmp_path / "text.jpg").write_text("no photo")
    for photo, message in (("absent.jpg", "absent.jpg: no such file"), ("text.jpg", "text.jpg: not a photo")):
        status, _, err = run(*(photo if word == "PHOTO" else word for word in words), "--output", "made.png")
        assert (status, message in err) == (1, True)
    assert not (tmp_path / "made.png").exists()


def test_styles_that_are_drawn_are_named(run):
    status, _, err = run("visualise", "texture", "wavs", "--output", "a.png")
    assert status == 1
    assert "wavs: no such file, and unknown style 'wavs'. Did you mean 'waves'? Known: " in err


def test_a_fool_that_fails_says_so(run):
    status, out, _ = run(
        "visualise", "fool", "photos/0.png", "tabby", "--steps", "1", "--step-size", "0.001", "-o", "a.png"
    )
    assert status in (0, 1)
    assert ("after 1 steps" in out) == (status == 1)


def test_long_work_is_announced(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    clock = iter((0.0, 2.0))
    monkeypatch.setattr(picture_options.time, "monotonic", lambda: next(clock))

    class Told:
        def say(self, line: str) -> None:
            said.append(line)

        def __call__(self, what: str, done: int, total: int) -> None:
            assert total == 6

    tell = picture_options.announced(Told(), "drawing", [1.0] * 3 + [4.0] * 3)  # type: ignore[arg-type]
    for done in range(1, 7):
        tell(done, 6)
    assert said == ["drawing: about 15 s"]  # two steps took 2 s; all are 15 times as much as one


def test_the_weights_of_a_loaded_encoder_are_fixed(small_encoder: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    from seetell.nn.backbones import create_encoder

    made = create_encoder(small_encoder["name"], weights="none")
    monkeypatch.setattr("seetell.nn.backbones.create_encoder", lambda name, weights: made)
    loaded = picture_options.load_encoder("any")
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())
    assert isinstance(loaded, torch.nn.Module)


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "look-inside.md"
PAGE_COMMANDS = re.findall(
    r"^seetell (?:style|dream|visualise) (?!.*my-styles).*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.slow
@pytest.mark.parametrize("line", PAGE_COMMANDS)
def test_the_commands_of_the_page(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With a step or two, for time."""
    words = shlex.split(line)[1:]
    (tmp_path / "examples").symlink_to(PAGE.parents[2] / "examples")
    monkeypatch.chdir(tmp_path)
    stepping = (words[0] != "visualise" and "--fast" not in words) or words[1] in ("class", "invert", "texture")
    with pytest.raises(SystemExit) as ended:
        main([*words, *(["--steps", "2"] if stepping else [])])
    assert not ended.value.code
    assert (tmp_path / words[words.index("--output") + 1]).stat().st_size > 1000
