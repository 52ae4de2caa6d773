from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from seetell.cli.main import main


@pytest.fixture
def recipe(tmp_path: Path, small_encoder: dict[str, str]) -> Path:
    """A recipe of a few steps."""
    pytest.importorskip("torch", reason="training needs the training extra")
    from captioned_shapes import write_shapes
    from training_runs import configured

    from seetell.training.config import save_config

    content = {
        "task": "captioning",
        "data": {"path": str(write_shapes(tmp_path / "shapes")), "min_count": 1},
        "encoder": {**small_encoder, "cache": str(tmp_path / "cache")},
        "captioning": {"captioner": {"embedding_size": 8, "hidden_size": 8}, "language_metrics": False},
        "batch_size": 4,
        "steps": 3,
        "threads": 1,
    }
    save_config(configured(content), tmp_path / "recipe.yaml")
    return tmp_path / "recipe.yaml"


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_a_run_to_begin_with_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("torch", reason="training needs the training extra")
    assert run("flickr8k-neuraltalk2", "--set", f"init_from={tmp_path / 'absent'}") == 2
    assert f"{tmp_path / 'absent'} is neither the folder of a run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["photo-folder", "--set", "stesp=3"], "Did you mean 'steps'"),
        (["photo-folder", "--set", "steps=abc"], "steps: expected int, got 'abc'"),
        (["photo-folder", "--set", "batch_size=0"], "batch_size: expected at least 1, got 0"),
        (["phto-folder"], "Did you mean 'photo-folder'"),
        (["photo-folder", "--set", "data.path=absent"], "data.path: absent: no such file or folder"),
        (["photo-folder", "--set", "data.path=.", "--set", "data.photos=absent"], "data.photos: absent: no such"),
    ],
)
def test_a_wrong_recipe_is_wrong_use(words: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("torch", reason="training needs the training extra")
    assert run(*words) == 2
    assert said in capsys.readouterr().err


def test_progress_is_printed_without_a_terminal_and_the_bundle_named_like_the_run(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
    monkeypatch.setattr("seetell.cli.progress.SECONDS_PER_LINE", 0)
    folder = tmp_path / "runs" / "my captioner"
    assert run(recipe, "--output", folder) == 0
    out, err = capsys.readouterr()
    assert "encoding: 12 of 12\n" in err
    for step in (1, 2, 3):
        assert re.search(rf"^training: {step} of 3, loss \d+\.\d{{3}}$", err, re.MULTILINE)
    assert re.search(r"^step 3: validation_loss", err, re.MULTILINE)
    assert out == f"Trained: {folder}. Make a bundle of it: seetell export '{folder}' 'my captioner'\n"


def test_the_bundle_is_named_otherwise_than_what_is_there(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
    monkeypatch.chdir(tmp_path)
    assert run(recipe, "--output", "mine") == 0
    assert capsys.readouterr().out == "Trained: mine. Make a bundle of it: seetell export mine mine-bundle\n"


@pytest.mark.slow
def test_an_interrupted_run_says_how_it_goes_on(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def interrupt(progress, doing: str, done: int, *rest, **more) -> None:
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("seetell.cli.progress.Progress.__call__", interrupt)
    assert run(recipe, "--output", tmp_path / "run", "--set", "checkpoint_every=1") == 130
    assert "stopped at step 2; the same command resumes from the last checkpoint" in capsys.readouterr().err


@pytest.mark.slow
def test_lines_of_progress_are_seconds_apart(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
    monkeypatch.setattr("seetell.cli.progress.SECONDS_PER_LINE", 1e6)
    assert run(recipe, "--output", tmp_path / "run") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert [line.partition(",")[0] for line in lines] == ["training: 3 of 3"]


@pytest.mark.parametrize("command", ["train", "export", "snippets"])
def test_what_is_not_installed_is_said_before_a_file_is_read(command: str, tmp_path: Path):
    arguments = {
        "train": ["absent.yaml"],
        "export": ["absent", "bundle"],
        "snippets": ["absent", "--data", ".", "--output", "phrases.jsonl"],
    }[command]
    program = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'matplotlib' else found(name, *more)\n"
        "from seetell.cli.main import main\n"
        "main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, command, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert f"seetell {command} needs matplotlib, which is not installed: " in done.stderr


def test_the_bundled_recipes_are_listed(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["train", "--list"])
    lines = capsys.readouterr().out.splitlines()
    assert "entities-ssd: SSD: default boxes at the cells of many maps (Liu et al. 2016)" in lines
    assert len(lines) == len(set(lines)) >= 30
