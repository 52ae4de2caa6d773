from __future__ import annotations

import base64
import io
import os
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from seetell.drawing.caption_report import THUMBNAIL, CaptionReport
from seetell.drawing.page_parts import GENERATOR
from seetell.errors import PhotoError, SeetellError
from seetell.results import Caption, Word

SAID = Caption("a dog's <bone> & $style", (Word("a", -0.5), Word("dog", -0.5)), -1.5, "tiny")


class Items(HTMLParser):
    """Collects the fields of the photos, and sees to it that every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: list[dict[str, str | None]] = []
        self.captions: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "li":
            self.fields.append(dict(attributes))
        if tag not in ("meta", "img", "input", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "textarea":
            self.captions.append(data)


def test_a_withheld_caption_can_be_written(tmp_path: Path):
    withheld = Caption("", (), float("nan"), "tiny", 0.25, reason="confidence 0.25 is <below> 0.5")
    with CaptionReport(tmp_path / "report.html") as report:
        report.add("a.jpg", withheld)
        report.add("b.jpg", Caption("a dog", (), float("nan"), "tiny", 0.75, "tags"))
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    items = Items(html)
    assert items.captions == ["a dog"]  # the other is empty
    assert items.fields == [
        {
            "data-image": "a.jpg",
            "data-model": "tiny",
            "data-rank": "0.2500",
            "data-confidence": "0.2500",
            "data-reason": "confidence 0.25 is <below> 0.5",
        },
        {"data-image": "b.jpg", "data-model": "tiny", "data-rank": "0.7500", "data-confidence": "0.7500"},
    ]
    assert "<strong>Withheld:</strong> confidence 0.25 is &lt;below&gt; 0.5" in html


def test_photos_captions_and_errors_are_on_the_page(tmp_path: Path):
    photo = tmp_path / "photos" / "a <b> & é.jpg"
    photo.parent.mkdir()
    Image.new("RGB", (900, 600), (200, 30, 30)).save(photo)
    path = tmp_path / "pages" / "report.html"
    path.parent.mkdir()
    with CaptionReport(path) as report:
        report.add(str(photo), SAID, str(tmp_path / "where" / "a.html"))
        report.add("no.jpg", PhotoError("no.jpg: the file is <empty>"))
    html = path.read_text(encoding="utf-8")
    items = Items(html)
    assert GENERATOR in html
    assert items.captions == [SAID.text]
    assert items.fields == [
        {
            "data-image": str(photo),
            "data-model": "tiny",
            "data-logprob": "-1.500000",
            "data-rank": "-0.5000",
        },
        {"data-image": "no.jpg", "data-error": "the file is <empty>"},
    ]
    links = [unquote(link) for link in re.findall(r' href="([^"]+)"', html)]
    assert links == ["../photos/a <b> & é.jpg", "../where/a.html"]
    (picture,) = re.findall(r'data-src="data:image/jpeg;base64,([^"]+)"', html)
    with Image.open(io.BytesIO(base64.b64decode(picture))) as small:
        assert small.size == (THUMBNAIL, THUMBNAIL * 2 // 3)
    assert "the file is &lt;empty&gt;" in html
    assert "2 photos, 1 of them failed · model tiny" in html


def test_names_of_any_letters_are_told_apart(tmp_path: Path):
    names = ["a\nb\r\x1b.jpg", '"quoted".jpg', "javascript:alert(1).jpg"]
    names += [os.fsdecode(b"latin-\xe9.jpg")] if os.name == "posix" else []
    with CaptionReport(tmp_path / "report.html") as report:
        for name in names:
            report.add(name, SAID)
    html = (tmp_path / "report.html").read_bytes().decode("utf-8")
    kept = [unescape(value) for value in re.findall(r'data-image="([^"]*)"', html)]
    assert kept == [name.encode(errors="backslashreplace").decode() for name in names]
    assert 'href="javascript:' not in html
    assert html.count("no photo</span>") == len(names)


def test_a_log_probability_that_json_does_not_know_is_left_out(tmp_path: Path):
    with CaptionReport(tmp_path / "report.html") as report:
        report.add("a.jpg", Caption("a", (Word("a", -0.1),), float("-inf"), "tiny"))
    (fields,) = Items((tmp_path / "report.html").read_text(encoding="utf-8")).fields
    assert set(fields) == {"data-image", "data-model"}


def test_the_file_grows_while_photos_are_added_and_appears_whole(tmp_path: Path):
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    path = tmp_path / "report.html"
    path.write_text("old")
    with CaptionReport(path) as report:
        for _ in range(50):
            report.add(str(tmp_path / "a.png"), SAID)
        assert path.read_text() == "old"
        (partial,) = (tmp_path / name for name in os.listdir(tmp_path) if name.startswith(".report"))
        assert partial.stat().st_size > 10_000
    assert "50 photos · model tiny" in path.read_text(encoding="utf-8")
    assert sorted(os.listdir(tmp_path)) == ["a.png", "report.html"]


def interrupted(path: Path) -> None:
    with CaptionReport(path) as report:
        report.add("a.jpg", SAID)
        raise KeyboardInterrupt


def test_an_interrupted_run_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_place_that_takes_no_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with (
        pytest.raises(SeetellError, match="the report cannot be written"),
        CaptionReport(tmp_path / "no" / "report.html"),
    ):
        pass

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seetell.atomic_write.os.replace", full)
    with pytest.raises(SeetellError, match="No space left"), CaptionReport(tmp_path / "report.html"):
        pass
    assert os.listdir(tmp_path) == []


def test_above_some_thousand_photos_there_are_further_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.drawing.caption_report.PHOTOS_PER_PAGE", 2)
    with CaptionReport(tmp_path / "re port.html") as report:
        for number in range(5):
            report.add(f"{number}.jpg", SAID if number < 4 else PhotoError("x"))
        assert len(os.listdir(tmp_path)) == 3  # none in place before all are
    pages = [
        (tmp_path / name).read_text(encoding="utf-8") for name in ("re port.html", "re port-2.html", "re port-3.html")
    ]
    assert len(os.listdir(tmp_path)) == 3
    assert [[item["data-image"] for item in Items(page).fields] for page in pages] == [
        ["0.jpg", "1.jpg"], ["2.jpg", "3.jpg"], ["4.jpg"]
    ]  # fmt: skip
    links = [re.findall(r'<a href="(re%20port[^"]*)">(\w+) page', page) for page in pages]
    assert links == [
        [("re%20port-2.html", "Next")],
        [("re%20port.html", "Previous"), ("re%20port-3.html", "Next")],
        [("re%20port-2.html", "Previous")],
    ]
    assert [re.findall(r'data-saved="([^"]*)"', page) for page in pages] == [
        ["captions"],
        ["captions-2"],
        ["captions-3"],
    ]
    assert "2 photos · model tiny" in pages[1]
    assert "1 photo, 1 of them failed" in pages[2]


def test_one_page_has_no_links_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.drawing.caption_report.PHOTOS_PER_PAGE", 2)
    with CaptionReport(tmp_path / "report.html") as report:
        report.add("a.jpg", SAID)
        report.add("b.jpg", SAID)
    assert os.listdir(tmp_path) == ["report.html"]
    assert "<nav" not in (tmp_path / "report.html").read_text(encoding="utf-8")
