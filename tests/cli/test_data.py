from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from ten_pictures import write_ten_pictures

from seetell.cli.main import main


def check(*arguments: str | Path) -> tuple[int, str]:
    """Return the exit status of ``seetell data check`` and what it wrote."""
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as ended:
        main(["data", "check", *map(str, arguments)])
    return int(ended.value.code or 0), out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        Image.new("RGB", (20, 10), (number, 0, 0)).save(tmp_path / f"{number}.png")
    lines = [f"{number}.png,A dog on day {number}." for number in range(12)]
    (tmp_path / "captions.csv").write_text("\n".join(["image,caption", *lines]) + "\n")
    return tmp_path


def test_a_clean_set_exits_with_0(folder: Path):
    status, result = check(folder)
    assert status == 0
    assert result.endswith("no problems found\n")
    assert "photo width          min 20" in result


def test_a_repeated_caption_is_noted_without_alarm_and_a_blank_one_reported_at_its_line(folder: Path):
    with open(folder / "captions.csv", "a") as file:
        file.write("3.png,A dog on day 3.\n")
    status, result = check(folder)
    assert status == 0
    assert "note: a caption repeats another of its photo: captions.csv:14; kept\n" in result
    assert result.endswith("no problems found\n")
    with open(folder / "captions.csv", "a") as file:
        file.write("4.png,...\n")
    status, result = check(folder)
    assert status == 1
    assert "captions.csv:15: 4.png: caption 2 '...' has no words; skipped" in result


def test_problems_exit_with_1_and_json_lists_them_all(folder: Path):
    for number in range(5):
        (folder / f"{number}.png").write_bytes(b"")
    status, result = check(folder, "--json")
    assert status == 1
    report = json.loads(result)
    assert report["problems"]["unreadable-photo"]["count"] == 5
    assert len(report["problems"]["unreadable-photo"]["items"]) == 5
    assert sum(counts["photos"] for counts in report["splits"].values()) == 7
    status, text = check(folder, "--examples", "1")
    assert status == 1
    assert "photos that do not open: 5\n" in text
    assert "… and 4 more" in text


def test_photos_need_not_be_opened(folder: Path):
    (folder / "3.png").write_bytes(b"")
    status, result = check(folder, "--no-open-photos")
    assert status == 0
    assert "not checked: the photos were not opened" in result


def test_photos_in_another_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    table = tmp_path_factory.mktemp("elsewhere") / "captions.csv"
    (folder / "captions.csv").rename(table)
    assert check(str(table), "--photos", str(folder))[0] == 0
    assert check(str(table))[0] == 2


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
    status, result = check(tmp_path, "--photos", tmp_path / "photos")
    assert status == 1
    assert "read as Flickr30k Entities" in result
    assert "note: 1 phrases of 1 entities; 1 entities have 1 boxes" in result
    assert "boxes that extend beyond their photo: 1\n    7.xml: object 1: the box 1, 1, 21, 5" in result


@pytest.mark.parametrize("arguments", [["absent"], [".", "--format", "coko"]])
def test_wrong_use(arguments: list[str]):
    assert check(*arguments)[0] == 2


def test_help_has_examples(capsys: pytest.CaptureFixture[str]):
    for arguments in (["--help"], ["check", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(["data", *arguments])
        assert not ended.value.code
        assert "Example: seetell data check" in capsys.readouterr().out


def test_boxes_are_checked_too(tmp_path: Path):
    ten = write_ten_pictures(tmp_path / "ten")
    status, result = check(ten)
    assert status == 1  # the photos that validate are those that train
    assert "one in val and one in train: scores will be too good" in result
    assert "read as YOLO boxes" in result
    assert "split     photos     boxes" in result
    assert "boxes per photo      min" in result
    assert "photo width          min 64" in result
    for photo in (ten / "images/val").iterdir():
        photo.unlink()
    Image.new("RGB", (64, 64)).save(ten / "images/val/0.png")
    labels = ten / "labels/train/3.txt"
    labels.write_text(labels.read_text() + "0 0.5\n")
    (ten / "images/train/4.png").write_bytes(b"")
    status, result = check(ten, "--format", "yolo", "--json")
    report = json.loads(result)
    assert status == 1
    assert [report["problems"][kind]["count"] for kind in ("unreadable-photo", "malformed")] == [1, 1]
    assert sum(report["classes"].values()) == report["splits"]["train"]["boxes"] > 0
    status, result = check(ten, "--no-open-photos")
    assert "photo sizes          not checked" in result
