from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from cli.test_caption import in_process, save

from seetell.alttext.alt_text import alt_text
from seetell.tasks.loading import load


def test_the_report_shows_what_the_rows_say(attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = [save(tmp_path / "photos" / name) for name in ("b.png", "a.png")]
    absent, where, report = tmp_path / "absent.png", tmp_path / "where", tmp_path / "report.html"
    arguments = [*photos, absent, "-m", attending_bundle, "-f", "jsonl", "--attention", where, "--report", report]
    assert in_process(*arguments) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    html = report.read_text(encoding="utf-8")
    assert re.findall(r'data-image="([^"]*)"', html) == [row["image"] for row in rows]
    assert re.findall(r"<textarea[^>]*>([^<]*)", html) == [row["caption"].replace("'", "&#x27;") for row in rows[:2]]
    assert re.findall(r'data-error="([^"]*)"', html) == ["no such file"]
    assert re.findall(r'href="(where/[^"]*)"', html) == [f"where/{name}-attention.html" for name in "ba"]


def test_sidecars_lie_beside_the_photos(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg", "a.png", "c.jpg")]
    (tmp_path / "b.xmp").write_text("not XMP")
    assert in_process(*photos, "-m", tiny_bundle, "--sidecar", "-f", "jsonl") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("sidecar") for row in rows] == [str(tmp_path / "a.xmp"), None, None, str(tmp_path / "c.xmp")]
    assert rows[1]["error"].startswith("its sidecar b.xmp was not changed: it is not XML")
    assert rows[2]["error"].startswith("its sidecar a.xmp is that of")
    said = alt_text(load(tiny_bundle).caption(photos[0]).text)
    assert (tmp_path / "a.xmp").read_text(encoding="utf-8").count(said) == 2


def test_photos_with_a_sidecar_are_captioned_again_only_on_request(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    assert in_process(photos[0], "-m", tiny_bundle, "--sidecar", "--sidecar-name", "full") == 0
    sidecar = tmp_path / "a.jpg.xmp"
    before = sidecar.read_bytes()
    capsys.readouterr()
    assert in_process(tmp_path, "-m", tiny_bundle, "--sidecar", "-f", "jsonl") == 0
    told = capsys.readouterr()
    assert [json.loads(line)["sidecar"] for line in told.out.splitlines()] == [str(tmp_path / "b.xmp")]
    assert told.err == "skipped: 1 photo has alt text in a sidecar; --overwrite captions again\n"
    assert in_process(tmp_path, "-m", "nothing is loaded", "--sidecar") == 0
    assert capsys.readouterr().err == "skipped: 2 photos have alt text in a sidecar; --overwrite captions again\n"
    assert sidecar.read_bytes() == before
    sidecar.write_bytes(before.replace(b'x-default">', b'x-default">Old '))
    assert in_process(tmp_path, "-m", tiny_bundle, "--sidecar", "--overwrite") == 0
    assert sidecar.read_bytes() == before
    assert in_process(tmp_path, "-m", tiny_bundle, "--sidecar", "--report", tmp_path / "r.html", "-f", "jsonl") == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count("data-image=") == 2


def test_a_sidecar_that_cannot_be_written_fails_its_photo_alone(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg", f"{'c' * 251}.jpg")]
    (tmp_path / "a.xmp").mkdir()
    arguments = ["-m", tiny_bundle, "-f", "jsonl", "--sidecar", "--report", tmp_path / "report.html"]
    assert in_process(*photos, *arguments) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["error"] == "its sidecar a.xmp was not changed: it is not a file"
    assert [Path(row["sidecar"]).name for row in rows[1:]] == ["b.xmp", f"{'c' * 251}.xmp"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("data-image=") == 3


@pytest.mark.parametrize("option", [["--overwrite"], ["--sidecar-name", "full"]])
def test_how_sidecars_are_written_needs_sidecars(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
):
    assert in_process(save(tmp_path / "a.jpg"), "-m", tiny_bundle, *option) == 2
    assert f"{option[0]} says how sidecars are written; give --sidecar, too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("no/report.html", "there is no folder"),
        (".", "is a folder"),
        ("b.jpg", "name of a photo"),
        ("w/index.html", "--attention"),
    ],
)
def test_a_report_in_a_wrong_place_is_wrong_use(
    report: str, said: str, attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photo = save(tmp_path / "a.png")
    (tmp_path / "w").mkdir()
    before = sorted(os.listdir(tmp_path))
    arguments = ["-m", attending_bundle, "--attention", tmp_path / "w", "--report", tmp_path / report]
    assert in_process(photo, *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert sorted(os.listdir(tmp_path)) == before
