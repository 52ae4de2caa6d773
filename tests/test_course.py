"""The lessons of the course run, and are kept clean."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from clean_notebooks import clean

from seetell.data import read
from seetell.data.objects import read_objects

COURSE = Path(__file__).resolve().parents[1] / "course"
LESSONS = sorted(COURSE.glob("*.ipynb"))

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def texts(path: Path, kind: str) -> list[str]:
    """Return what the cells of a kind say: ``markdown`` or ``code``."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


@each_lesson
def test_a_lesson_is_kept_without_results(path: Path):
    text = path.read_text(encoding="utf-8")
    assert clean(text) == text, "make it clean: python scripts/course/clean_notebooks.py"


def test_results_and_what_editors_add_are_taken_out():
    cell = {"cell_type": "code", "id": "a1", "source": ["1 + 1\n"], "metadata": {"scrolled": True}}
    cell |= {"execution_count": 3, "outputs": [{"output_type": "execute_result"}]}
    kept = json.loads(clean(json.dumps({"cells": [cell], "metadata": {"toc": {}}, "nbformat": 4, "nbformat_minor": 5})))
    bare = {"execution_count": None, "metadata": {}, "outputs": []}
    assert kept["cells"] == [{"cell_type": "code", "id": "a1", "source": ["1 + 1"], **bare}]
    assert set(kept["metadata"]) == {"kernelspec", "language_info"}


@each_lesson
def test_cells_have_identifiers_of_their_own(path: Path):
    ids = [cell["id"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[\w-]{1,64}", id) for id in ids)


@each_lesson
def test_a_lesson_says_what_it_is(path: Path):
    first = texts(path, "markdown")[0]
    assert re.match(rf"# {int(path.stem[:2])}\. .*\w.* · .*[\u4e00-\u9fff]", first), "number, title, title in Chinese"
    for said in ("**You learn**", "**Minutes**", "**You need**"):
        assert said in first


@each_lesson
def test_a_lesson_has_small_settings_and_installs_what_is_missing(path: Path):
    code = texts(path, "code")
    assert 'find_spec("seetell")' in code[0]
    assert "..[course]" in code[0]
    assert any('SMALL = bool(os.environ.get("SEETELL_COURSE_SMALL"))' in cell for cell in code[:3])


@each_lesson
def test_every_exercise_has_a_solution(path: Path):
    text = "\n".join(texts(path, "markdown"))
    exercises = re.findall(r"^#+ Exercise (\d+)", text, re.MULTILINE)
    solutions = re.findall(r"^#+ Solution (\d+)|<summary>Solution (\d+)", text, re.MULTILINE)
    assert len(exercises) >= 2
    assert sorted(exercises) == sorted(first or second for first, second in solutions)


@pytest.mark.parametrize("path", [COURSE / "README.md", *LESSONS], ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path):
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else "\n".join(texts(path, "markdown"))
    for target in re.findall(r"\]\((?!https?:|#|attachment:)([^)#\s]+)", text):
        assert (COURSE / target).exists(), target


def test_the_page_names_every_lesson():
    page = (COURSE / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d\d-[\w-]+\.ipynb)\)", page) == [path.name for path in LESSONS]


def test_every_photo_of_the_data_is_credited_and_small():
    photos = {path.name: path for path in (COURSE / "data" / "photos").iterdir()}
    credits = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    terms = dict(re.findall(r"^\| `([\w-]+\.jpg)` \|.*\| ([^|]+) \|$", credits, re.MULTILINE))
    assert set(terms) == set(photos)
    assert set(terms.values()) <= {"public domain", "CC0 1.0"}
    assert sum(path.stat().st_size for path in photos.values()) <= 1_500_000


def test_the_data_is_read_without_problems():
    captions, objects = read(COURSE / "data"), read_objects(COURSE / "data")
    assert [len(captions.split(split)) for split in ("train", "val")] == [39, 10]
    assert {len(photo.captions) for photo in captions.photos} == {5}
    assert [len(objects.split(split)) for split in ("train", "val")] == [39, 10]
    assert sum(len(photo.boxes) for photo in objects.photos) == 69
    phrases = read(COURSE / "data" / "phrases.jsonl")
    assert len(phrases.photos) == 111
    assert not captions.problems + objects.problems + phrases.problems


@pytest.mark.nightly
@pytest.mark.filterwarnings("default")  # of what runs notebooks
@each_lesson
def test_a_lesson_runs(path: Path, monkeypatch: pytest.MonkeyPatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("SEETELL_COURSE_SMALL", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(COURSE.parent), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(COURSE)}}).execute()
