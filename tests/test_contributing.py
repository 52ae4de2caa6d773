"""The pages of docs/contributing are followed to the letter, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_docs import write_captioned_photos

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = REPOSITORY / "docs" / "contributing"
BLOCK = re.compile(
    r"(?:`(?P<file>[\w./-]+)`:\n\n)?(?:^<!-- .*?(?P<test>\w+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHORT = " --set steps=2 --set validation.every=1"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository, not to be compared with."""
    copied = tmp_path / "seetell"
    skipped = shutil.ignore_patterns("__pycache__", "bundles", "pictures")
    for name in ("docs", "recipes", "seetell", "tests"):
        shutil.copytree(REPOSITORY / name, copied / name, ignore=skipped)
    (copied / "seetell" / "bundles").symlink_to(REPOSITORY / "seetell" / "bundles")
    shutil.copytree(REPOSITORY / "examples", copied / "examples")
    shutil.copy(REPOSITORY / "pyproject.toml", copied)
    return copied


def run(script: str, folder: Path, *paths: Path) -> None:
    """Run commands with the programs of this environment, modules being looked for in folders first."""
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    script = re.sub(r"^\. .*activate$|^.*/pip .*$", "true", script, flags=re.MULTILINE)
    script = script.replace(".venv-dev/bin/", f"{programs}/").replace("cd -\n", "")
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def follow(page: str, test: str, copied: Path) -> None:
    """Write the files that a page shows, apply its patches and run its commands, those that name a test."""
    for block in BLOCK.finditer((PAGES / page).read_text(encoding="utf-8")):
        if block["file"]:
            (copied / block["file"]).parent.mkdir(exist_ok=True)
            (copied / block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["language"] == "diff":
            subprocess.run(["git", "apply", "-"], input=block["text"], text=True, cwd=copied, check=True)
        elif block["language"] == "bash":
            assert block["test"] == test
            run(re.sub(r"(seetell train [\w-]+)", rf"\1{SHORT}", block["text"]), copied, copied)


def test_the_layers_are_those_of_the_contract():
    shown = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("downwards in this list:")[2]
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    held = re.findall(r'"(.+)"', project.partition("layers = [")[2].partition("]")[0])
    layers = [re.split(r"  +", line)[0].split(", ") for line in shown.split("```")[1].strip().splitlines()]
    assert layers == [layer.split(" | ") for layer in held]


def test_excerpts_are_of_the_files():
    toy = REPOSITORY / "tests" / "toy"
    files = [unindented(path.read_text(encoding="utf-8")) for path in (toy / "pyproject.toml", *toy.glob("*/*.py"))]
    shown = list(BLOCK.finditer((PAGES / "add-a-task.md").read_text(encoding="utf-8")))
    excerpts = [block for block in shown if block["language"] in ("python", "toml") and not block["file"]]
    assert len(excerpts) == 8
    for block in excerpts:
        assert any(unindented(block["text"]) in text for text in files), block["text"]


def unindented(text: str) -> str:
    """Return the lines that are not blank, without their indentation: pages are formatted by themselves."""
    return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())


@pytest.mark.nightly
def test_adding_a_task(copy: Path):
    """The commands in the order of the page; the entry point is written where pip would write it."""
    pytest.importorskip("torch", reason="training needs the training extra")
    page = (PAGES / "add-a-task.md").read_text(encoding="utf-8")
    begin, script, use, _ = (block for block in BLOCK.finditer(page) if block["test"] == "test_adding_a_task")
    run(begin["text"], copy)
    task = copy.parent / "my-task"
    (point,) = (block["text"] for block in BLOCK.finditer(page) if block["language"] == "toml")
    installed = task / "seetell_brightness-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: seetell-brightness\nVersion: 0.1.0\n")
    declared = re.sub(r"project\.entry-points\.|\"", "", point)
    (installed / "entry_points.txt").write_text(declared)
    (task / script["file"]).write_text(script["text"], encoding="utf-8")
    run(use["text"].replace("seetell ", "python -m seetell "), task, copy, task)
    assert "dark" in (task / "chart.html").read_text(encoding="utf-8")


@pytest.mark.nightly
def test_adding_a_model(copy: Path):
    pytest.importorskip("torch", reason="training needs the training extra")
    write_captioned_photos(copy / "my_photos", 30)
    follow("add-a-model.md", "test_adding_a_model", copy)
    assert "## Captioner merge" in (copy / "docs" / "reference" / "recipe.md").read_text(encoding="utf-8")


@pytest.mark.nightly
def test_adding_a_backbone(copy: Path):
    pytest.importorskip("torch", reason="training needs the training extra")
    for label in ("oak", "beech"):
        write_captioned_photos(copy / "my_classes" / label, 10)
    follow("add-a-backbone.md", "test_adding_a_backbone", copy)
    assert (copy / "my-strided" / "model.json").is_file()


@pytest.mark.nightly
def test_moving_a_task_into_the_house(copy: Path):
    pytest.importorskip("torch", reason="the reference of recipes needs the training extra")
    page = (PAGES / "add-a-task.md").read_text(encoding="utf-8")
    shutil.copytree(copy / "tests" / "toy", copy.parent / "my-task")
    (move,) = (block["text"] for block in BLOCK.finditer(page) if block["test"] == "test_moving_a_task_into_the_house")
    run(move, copy, copy)
    assert "| `brightness.dropout` |" in (copy / "docs" / "reference" / "recipe.md").read_text(encoding="utf-8")
    assert "## seetell brighten" in (copy / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
