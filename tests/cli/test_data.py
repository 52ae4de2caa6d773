from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from seetell.cli.data import app
from seetell.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        Image.new("RGB", (20, 10), (number, 0, 0)).save(tmp_path / f"{number}.png")
    lines = [f"{number}.png,A dog on day {number}." for number in range(12)]
    (tmp_path / "captions.csv").write_text("\n".join(["image,caption", *lines]) + "\n")
    return tmp_path


def test_a_clean_set_exits_with_0(folder: Path):
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert result.exit_code == 0
    assert result.stdout.endswith("no problems found\n")
    assert "photo width          min 20" in result.stdout


def test_problems_exit_with_1_and_json_lists_them_all(folder: Path):
    for number in range(5):
        (folder / f"{number}.png").write_bytes(b"")
    result = CliRunner().invoke(app, ["check", str(folder), "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["problems"]["unreadable-photo"]["count"] == 5
    assert len(report["problems"]["unreadable-photo"]["items"]) == 5
    assert sum(counts["photos"] for counts in report["splits"].values()) == 7
    text = CliRunner().invoke(app, ["check", str(folder), "--examples", "1"])
    assert text.exit_code == 1
    assert "photos that do not open: 5\n" in text.stdout
    assert "… and 4 more" in text.stdout


def test_photos_need_not_be_opened(folder: Path):
    (folder / "3.png").write_bytes(b"")
    result = CliRunner().invoke(app, ["check", str(folder), "--no-open-photos"])
    assert result.exit_code == 0
    assert "not checked: the photos were not opened" in result.stdout


def test_photos_in_another_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    table = tmp_path_factory.mktemp("elsewhere") / "captions.csv"
    (folder / "captions.csv").rename(table)
    assert CliRunner().invoke(app, ["check", str(table), "--photos", str(folder)]).exit_code == 0
    assert isinstance(CliRunner().invoke(app, ["check", str(table)]).exception, UsageError)


def test_phrases_and_boxes_are_reported(tmp_path: Path):
    corners = "<xmin>1</xmin><ymin>1</ymin><xmax>21</xmax><ymax>5</ymax>"
    size = "<size><width>20</width><height>10</height></size>"
    files = {
        "Annotations/7.xml": f"<a>{size}<object><name>1</name><bndbox>{corners}</bndbox></object></a>",
        "Sentences/7.txt": "[/EN#1/animals A dog] .\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (20, 10)).save(tmp_path / "photos" / "7_x.jpg")
    result = CliRunner().invoke(app, ["check", str(tmp_path), "--photos", str(tmp_path / "photos")])
    assert result.exit_code == 1
    assert "read as Flickr30k Entities" in result.stdout
    assert "note: 1 phrases of 1 entities; 1 entities have 1 boxes" in result.stdout
    assert "boxes that leave their photo: 1\n    7.xml: object 1: the box 1, 1, 21, 5" in result.stdout


@pytest.mark.parametrize("arguments", [["absent"], [".", "--format", "coko"]])
def test_wrong_use_is_a_usage_error(arguments: list[str]):
    result = CliRunner().invoke(app, ["check", *arguments])
    assert isinstance(result.exception, UsageError)


def test_help_has_examples():
    for arguments in (["--help"], ["check", "--help"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0
        assert "Example: seetell data check" in result.stdout
