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
    before = (tmp_path / "a.xmp").read_bytes()
    assert in_process(photos[0], "-m", tiny_bundle, "--sidecar", "--sample") == 0
    assert (tmp_path / "a.xmp").read_bytes() == before


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
