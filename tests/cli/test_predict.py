"""A task that no command line knows: what its command does follows from its declaration."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seetell.cli.main import main
from seetell.errors import PhotoError, UsageError
from seetell.photos import open_photo
from seetell.results import Label, Labels
from seetell.tasks import loading, registry
from seetell.tasks.registry import Option, Task

TASK = Task(
    name="colouring",
    command="colour",
    summary="Name the colours of images.",
    result="labels",
    example="seetell colour photo.jpg",
    options=(Option("most", int, "Most colours to name.", 2, minimum=1), Option("bold", bool, "Shout.", False)),
    package="colouring",
)


class Colourist:
    """Names red, green and blue by how much of them an image has."""

    name = "colours"

    def check(self, *, most: int, bold: bool) -> None:
        if most > 3:
            raise UsageError(f"most: expected up to 3 colours, got {most}")

    def predict_many(
        self, images: Iterable[str], *, batch_size: int | None, sample_ids: Iterable[int], most: int, bold: bool
    ) -> Iterator[Labels | PhotoError]:
        for image in images:
            try:
                parts = open_photo(image).resize((1, 1)).getpixel((0, 0))
            except PhotoError as error:
                yield error
                continue
            names = ("RED", "GREEN", "BLUE") if bold else ("red", "green", "blue")
            scored = sorted(zip(parts, names, strict=True), reverse=True)
            yield Labels(tuple(Label(name, part / sum(parts)) for part, name in scored[:most]), self.name)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(registry, "_registered", {TASK.name: TASK})
    monkeypatch.setattr(loading, "load_for", lambda task, model, **options: Colourist())
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 30), (150, 50, 0)).save("a.png")
    Image.new("RGB", (40, 30), (0, 60, 180)).save("b.png")

    def run(*arguments: Any) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["colour", *map(str, arguments)])
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_a_photo_that_may_not_be_read_is_left_to_its_reader(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda path, mode, **options: False)
    assert run("a.png", "--most", 1) == (0, "a.png\tred\t0.75\n", "")


def test_lines_and_options(run):
    assert run("a.png", "b.png") == (
        0,
        "a.png\tred\t0.75\na.png\tgreen\t0.25\nb.png\tblue\t0.75\nb.png\tgreen\t0.25\n",
        "",
    )
    assert run("a.png", "--most", 1, "--bold") == (0, "a.png\tRED\t0.75\n", "")


def test_programs_get_rows_and_errors_in_order(run):
    status, out, err = run("a.png", "absent.png", "b.png", "-f", "jsonl", "--most", 1)
    assert (status, err) == (1, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"image": "a.png", "labels": [{"text": "red", "score": 0.75}], "model": "colours"},
        {"image": "absent.png", "error": "no such file"},
        {"image": "b.png", "labels": [{"text": "blue", "score": 0.75}], "model": "colours"},
    ]
    table = list(csv.DictReader(io.StringIO(run("a.png", "-f", "csv")[1])))
    assert [(row["text"], row["score"]) for row in table] == [("red", "0.75"), ("green", "0.25")]


def test_a_bar_chart_and_a_page(run, tmp_path: Path):
    assert run("a.png", "--output", "chart.png")[0] == 0
    with Image.open("chart.png") as chart:
        assert chart.height > chart.width * 30 / 40
    assert run("a.png", "-o", "page.html")[0] == 0
    assert "75.0%" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "--output shows one photo" in run("a.png", "b.png", "-o", "page.html")[2]


def test_what_the_predictor_refuses_is_wrong_use_before_any_output(run):
    assert run("a.png", "--most", 4) == (2, "", "seetell: most: expected up to 3 colours, got 4\n")
    status, out, err = run("a.png", "--report", "report.html")  # is for captions
    assert (status, out) == (2, "")
    assert "No such option" in err
