from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_generators import GREYS, LETTERS

from seetell.cli.main import main
from seetell.cli.served_models import chosen_models, load_predictors
from seetell.cli.view_outputs import sheet
from seetell.errors import UsageError
from seetell.tasks import registry
from seetell.tasks.loading import load_for
from seetell.tasks.registry import tasks
from seetell.video.frames import open_video


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(LETTERS)
    registry.register(GREYS)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(map(str, arguments)))
    return int(caught.value.code or 0)


def test_texts_stand_on_standard_output(capsys: pytest.CaptureFixture[str]):
    assert run("spell", "alphabet", "--length", 5, "--count", 2) == 0
    assert capsys.readouterr().out == "a\tb\n\\x1b\n\na\tb\n\\x1b\n"  # what a terminal would obey is escaped


def test_texts_as_json_lines(capsys: pytest.CaptureFixture[str]):
    assert run("spell", "alphabet", "--length", 1, "--format", "jsonl") == 0
    row = {"text": "a", "prime": "", "logprob": -0.5, "model": "alphabet"}
    assert json.loads(capsys.readouterr().out) == row


def test_the_help_says_what_there_is(capsys: pytest.CaptureFixture[str]):
    assert run("spell", "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Spell the alphabet. The text stands on standard output" in shown
    assert "seetell spell [OPTIONS] MODEL" in shown
    assert "--length" in shown
    assert run("grey", "--help") == 0
    assert "--fps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["spell"], "Missing argument 'MODEL'"),
        (["spell", "alphabet", "--length", "0"], "--length"),
        (["spell", "alphabet", "--length", "27"], "length must be at most 26"),
        (["spell", "absent"], "unknown model 'absent'"),
        (["grey", "shades"], "Missing option '--output'"),
        (["grey", "shades", "--output", "a.txt"], "expected a name in .mp4"),
        (["grey", "shades", "--output", "absent/a.png"], "there is no folder absent"),
        (["grey", "shades", "--output", "absent/a"], "there is no folder absent"),
        (["grey", "shades", "--output", "a" * 300], "nothing can be written there (File name too long)"),
        (["grey", "shades", "--output", "a.mp4", "--fps", "nan"], "'nan' is not a number"),
    ],
)
def test_wrong_use(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]):
    assert run(*arguments) == 2
    assert expected in capsys.readouterr().err


def test_views_become_a_picture(tmp_path: Path):
    assert run("grey", "shades", "--views", 5, "--output", tmp_path / "a.png") == 0
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture)[..., 0]
    assert pixels.shape == (10, 22)  # two rows of three, two pixels apart
    assert pixels[[0, 0, 0, 6, 6, 6], [0, 8, 16, 0, 8, 16]].tolist() == [0, 40, 80, 120, 160, 255]
    assert sheet([np.zeros((4, 6, 3), np.uint8)]).size == (6, 4)


def test_views_become_a_film(tmp_path: Path):
    assert run("grey", "shades", "--views", 6, "--fps", 10, "--output", tmp_path / "a.mp4") == 0
    with open_video(tmp_path / "a.mp4") as film:
        frames = list(film)
    assert [round(frame.seconds, 2) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert abs(int(frames[-1].image.mean()) - 200) < 4


def test_views_become_an_animation(tmp_path: Path):
    assert run("grey", "shades", "--views", 4, "--fps", 10, "--output", tmp_path / "a.gif") == 0
    with Image.open(tmp_path / "a.gif") as film:
        assert (film.n_frames, film.info["duration"], film.info["loop"]) == (4, 100, 0)
        shades = []
        for number in range(4):
            film.seek(number)
            shades.append(film.convert("L").getpixel((0, 0)))
    assert shades == [0, 40, 80, 120]


def test_views_become_a_folder_of_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("grey", "shades", "--views", 3, "--output", tmp_path / "views") == 0
    assert sorted(path.name for path in (tmp_path / "views").iterdir()) == ["000.png", "001.png", "002.png"]
    with Image.open(tmp_path / "views" / "002.png") as picture:
        assert picture.size == (6, 4)
        assert picture.getpixel((0, 0)) == (80, 80, 80)
    assert run("grey", "shades", "--output", tmp_path / "views") == 2
    assert "exists; name a new folder" in capsys.readouterr().err


def test_they_are_loaded_like_all_models_and_not_served():
    assert [passage.text for passage in load_for(LETTERS, "alphabet").generate(length=1, count=2)] == ["a", "a"]
    others = (task.command for task in tasks().values() if task.command and task.input != "none")
    assert load_predictors(dict.fromkeys(others, "none"), 1, {}, videos=True) == {}
    with pytest.raises(UsageError, match="spell is not served; use seetell spell"):
        chosen_models(("spell=alphabet",))
