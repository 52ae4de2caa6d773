"""The README and the pages of docs/ say what is true: their commands run, their links lead somewhere."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import reference_pages
from in_process import pipelines, run_pipelines, run_python
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")])

SHOWN = ("cat", "cliff", "dog", "gate", "officer")
"""Of the photos in ``examples`` those that the pages name, and one more."""


@dataclass(frozen=True)
class Block:
    """A block of commands or Python on a page.

    Attributes:
        page: relative to the repository.
        line: where it begins.
        mark: the comment above it: ``run``, or ``tested by: FILE::TEST``.
        language: ``bash`` or ``python``.
        text: what it says.
    """

    page: str
    line: int
    mark: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"(?:^<!-- (.+) -->\n)?^```(bash|python)\n((?s:.*?))^```$", text, re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(str(page.relative_to(REPOSITORY)), line, match[1] or "", match[2], match[3]))
    return found


def run(script: str, folder: Path) -> str:
    """Run a block of bash in a folder where ``seetell`` is the code at hand, and return what it prints."""
    programs = folder / ".programs"
    programs.mkdir(exist_ok=True)
    program = programs / "seetell"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m seetell "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    command = ["bash", "-euo", "pipefail", "-c", script]
    paths = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "SEETELL_INDEX": str(folder / ".index"),
    }
    done = subprocess.run(command, cwd=folder, env={**os.environ, **paths}, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def commands_of(page: str, beginning: str) -> list[str]:
    """Return the commands of a page's block that begins with a certain command."""
    (block,) = (block for block in blocks() if block.page == page and block.text.startswith(beginning))
    return block.text.replace("\\\n", " ").splitlines()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with what the pages speak of."""
    (tmp_path / "examples").mkdir()
    for name in SHOWN:
        shutil.copy(REPOSITORY / "examples" / f"{name}.jpg", tmp_path / "examples")
    header, *captions = (REPOSITORY / "examples" / "captions.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    shown = [line for line in captions if line.partition(".jpg")[0] in SHOWN]
    (tmp_path / "examples" / "captions.csv").write_text("".join([header, *shown]), encoding="utf-8")
    (tmp_path / "holiday").mkdir()
    for source, target in {"cat": "photo.jpg", "cliff": "holiday/beach.jpg", "dog": "holiday/dog.jpg"}.items():
        shutil.copy(REPOSITORY / "examples" / f"{source}.jpg", tmp_path / target)
    shutil.copy(REPOSITORY / "docs" / "pictures" / "notice.jpg", tmp_path)
    (tmp_path / "site").mkdir()
    shutil.copy(REPOSITORY / "examples" / "dog.jpg", tmp_path / "site")
    (tmp_path / "site" / "index.html").write_text('<img src="/dog.jpg">\n', encoding="utf-8")
    rows = [
        {"image": "beach.jpg", "caption": "a rock above the sea"},
        {"image": "dog.jpg", "caption": "a dog stands in the grass"},
    ]
    with open(tmp_path / "references.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    shutil.copy(tmp_path / "references.jsonl", tmp_path / "training.jsonl")
    results = [{"image_id": row["image"], "caption": row["caption"]} for row in rows]
    for name in ("results.json", "other.json"):
        (tmp_path / name).write_text(json.dumps(results), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "block",
    [pytest.param(each, marks=[pytest.mark.slow] if each.mark == "run" else []) for each in blocks()],
    ids=str,
)
def test_every_block_runs_or_names_its_test(block: Block, photos: Path, no_paraphrases: None):
    if block.mark == "run":
        found = pipelines(block.text) if block.language == "bash" else None
        if block.language == "python":
            run_python(block.text, photos)
        elif found is not None:
            run_pipelines(found, photos)
        else:
            run(block.text, photos)
        return
    tested = re.fullmatch(r"tested by: ([\w./]+)(?:::(\w+))?", block.mark)
    assert tested is not None, "put '<!-- run -->' or '<!-- tested by: FILE::TEST -->' above the block"
    file, test = REPOSITORY / tested[1], tested[2]
    assert file.is_file()
    assert test is None or f"def {test}(" in file.read_text(encoding="utf-8")


def test_links_lead_to_files():
    for page in PAGES:
        prose = re.sub(r"`[^`\n]+`", "", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose):
            assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_tree_in_the_readme_is_the_tree():
    tree = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## Repository layout")[2].split("```")[1]
    inside = set(re.findall(r"^  (\S+)", tree, re.MULTILINE))
    package = REPOSITORY / "seetell"
    folders = {f"{path.name}/" for path in package.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert inside == {*folders, "errors.py", "config.py", "extras.py", "atomic_write.py"}
    for name in re.findall(r"^(\w+)/", tree, re.MULTILINE):
        assert (REPOSITORY / name).is_dir()


@pytest.mark.parametrize("page", reference_pages.PAGES)
def test_reference_pages_are_up_to_date(page: str):
    pytest.importorskip("torch", reason="recipes need the training extra")
    written = (REPOSITORY / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert written == reference_pages.renewed(page), "run: python tests/reference_pages.py"


@pytest.mark.slow
def test_training_on_ones_own_photos(tmp_path: Path):
    pytest.importorskip("torch", reason="training needs the training extra")
    write_captioned_photos(tmp_path / "my_photos", 30)
    check, train, export, caption = commands_of("README.md", "seetell data check my_photos")
    assert "no problems found" in run(check, tmp_path)
    run(f"{train} --set steps=2 --set validation.every=1", tmp_path)
    run(export, tmp_path)
    assert len(run(caption, tmp_path).splitlines()) == 30
    _, evaluate = commands_of("docs/learn/train-on-your-photos.md", "seetell caption my_photos --model")
    assert 0 <= json.loads(run(evaluate, tmp_path))["Bleu_1"] <= 1


@pytest.mark.nightly
def test_distilling_several_models_into_one(tmp_path: Path):
    pytest.importorskip("torch", reason="training needs the training extra")
    write_captioned_photos(tmp_path / "my_photos", 30)
    page = "docs/learn/train-on-your-photos.md"
    (first,) = commands_of(page, "seetell train photo-folder --set data.path=my_photos --output")
    for train in (first, *commands_of(page, "seetell train photo-folder --set data.path=my_photos --set seed=1")):
        run(f"{train} --set steps=2 --set validation.every=1", tmp_path)
    run("seetell export runs/distilled distilled --precision fp32", tmp_path)
    assert "distilled from `my-captioner` and `second-captioner`." in (tmp_path / "distilled" / "README.md").read_text()


@pytest.mark.nightly
def test_fifty_photos_of_ones_own_are_learnt_by_heart(tmp_path: Path):
    pytest.importorskip("torch", reason="training needs the training extra")
    write_captioned_photos(tmp_path / "my_photos", 50)
    run("\n".join(commands_of("README.md", "seetell data check my_photos")), tmp_path)
    assert json.loads(run("seetell evaluate my-captioner --data my_photos --split train", tmp_path))["CIDEr"] > 8


@pytest.mark.nightly
def test_reproducing_the_bundled_model_in_short(tmp_path: Path):
    pytest.importorskip("torch", reason="training needs the training extra")
    write_flickr8k(tmp_path / "flickr8k", 12)
    page = "docs/how-to/reproduce-the-bundled-model.md"
    check, *trains, export, evaluate = commands_of(page, "seetell data check flickr8k")
    assert "no problems found" in run(check, tmp_path)
    for train in trains:
        run(f"{train} --set steps=2 --set validation.every=1", tmp_path)
    run(export, tmp_path)
    assert json.loads(run(evaluate, tmp_path))["photos"] == 3
    for command in commands_of("docs/reference/results.md", "seetell evaluate everyday-transformer"):
        said = run(command, tmp_path)
    assert "METEOR" in said


def write_captioned_photos(folder: Path, count: int) -> list[tuple[str, str]]:
    """Write photos cut from the examples, each named by what it shows and where it was cut, and captions.csv."""
    folder.mkdir(parents=True)
    sides = ["left", "right", "top", "bottom", "middle"]
    rows = []
    for number in range(count):
        source = sorted((REPOSITORY / "examples").glob("*.jpg"))[number // len(sides)]
        side = sides[number % len(sides)]
        with Image.open(source) as photo:
            width, height = photo.size
            left = {"left": 0, "right": width // 2}.get(side, width // 4)
            top = {"top": 0, "bottom": height // 2}.get(side, height // 4)
            name = f"{source.stem}-{side}.jpg"
            photo.crop((left, top, left + width // 2, top + height // 2)).resize((224, 224)).save(folder / name)
        rows.append((name, f"the {side} part of a picture of a {source.stem}"))
    lines = ["image,caption", *(f"{name},{caption}" for name, caption in rows)]
    (folder / "captions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return rows


def write_flickr8k(folder: Path, count: int) -> None:
    """Write photos in the official layout of Flickr8k, the last quarter of them for development."""
    texts, images = folder / "Flickr8k_text", folder / "Flicker8k_Dataset"
    texts.mkdir(parents=True)
    rows = write_captioned_photos(images, count)
    (images / "captions.csv").unlink()
    beginnings = ("Here is", "You see", "This is", "It shows", "Look at")
    tokens = [
        f"{name}#{number}\t{beginning} {caption} ."
        for name, caption in rows
        for number, beginning in enumerate(beginnings)
    ]
    names = [name for name, _ in rows]
    lists = {
        "Flickr8k.token.txt": tokens,
        "Flickr_8k.trainImages.txt": names[: -count // 4],
        "Flickr_8k.devImages.txt": names[-count // 4 :],
    }
    for name, lines in lists.items():
        (texts / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_every_error_and_result_named_in_the_pages_exists():
    names = {name for page in PAGES for name in re.findall(r"`(seetell(?:\.\w+)+)`", page.read_text(encoding="utf-8"))}
    for name in names:
        assert pkgutil.resolve_name(name)
