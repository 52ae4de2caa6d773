"""The page of a described film in a browser: it plays with its descriptions, and each leads to its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing.browsing import VIEWS, no_violations, opened
from playwright.sync_api import Browser, expect
from small_films import tinted, write_film
from web import browser as chromium

from seetell.drawing.shots_page import shots_page
from seetell.results import Caption, Shot, Shots
from seetell.video.frames import open_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="no Chromium here; $CHROMIUM can name one"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as started:
        yield started


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    film = write_film(folder / "two shots.webm", tinted(((250, 10, 10), 15), ((10, 10, 250), 15)))
    said = Caption("a <red> dog", (), -1.0, "tiny", 0.9)
    withheld = Caption("", (), -1.0, "tiny", 0.1, reason="confidence 0.10 is below 0.5")
    shots = Shots((Shot(0.0, 1.5, 0.7, said), Shot(1.5, 3.0, 2.2, withheld)), (64, 48), 10.0, 30, "tiny")
    with open_video(film) as video:
        content = shots_page(video, shots, name="two shots.webm", beside=folder / "page.html")
    (folder / "page.html").write_text(content, encoding="utf-8")
    return folder / "page.html"


@pytest.mark.parametrize("view", VIEWS)
def test_it_keeps_nobody_out(browser: Browser, page_file: Path, view: str):
    with opened(browser, page_file, **VIEWS[view]) as page:
        expect(page.locator("#told")).to_have_text("a <red> dog")
        no_violations(page)


def test_descriptions_are_a_track_and_follow_the_film(browser: Browser, page_file: Path):
    with opened(browser, page_file) as page:
        expect(page.locator("#told")).to_have_text("a <red> dog")
        kinds = "[...document.getElementById('film').textTracks].map(({ kind, cues }) => [kind, cues?.length])"
        page.wait_for_function(f"JSON.stringify({kinds}) === '[[\"descriptions\",1]]'")
        page.get_by_role("button", name="0:01–0:03").click()
        expect(page.locator("#told")).to_have_text("")
        expect(page.locator(".shots li").nth(1)).to_have_class("now")
        assert page.evaluate("document.getElementById('film').currentTime") >= 1.5
        page.get_by_role("button", name="0:00–0:01").click()
        expect(page.locator("#told")).to_have_text("a <red> dog")


def test_a_film_that_cannot_be_played_is_told(browser: Browser, page_file: Path, tmp_path: Path):
    (tmp_path / "page.html").write_text(page_file.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "two shots.webm").write_bytes(b"no film")
    with opened(browser, tmp_path / "page.html") as page:
        expect(page.get_by_text("This browser cannot play the video")).to_be_visible()
        expect(page.get_by_role("button", name="0:00–0:01")).to_be_disabled()
