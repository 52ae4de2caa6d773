"""The page in a real browser, given a video: it plays with its descriptions, and each leads to its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from small_films import tinted, write_film
from web.browser import NEEDS_BROWSER, PHONE, no_violations, opened
from web.conftest import Serving, photo_file

import seetell
from seetell.tasks.captioning.predict import Captioner
from seetell.web.application import application

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots of one and a half seconds each."""
    path = tmp_path_factory.mktemp("films") / "film.webm"
    return write_film(path, tinted(((250, 10, 10), 15), ((10, 10, 250), 15)))


@pytest.fixture
def page(
    browser: Browser, serving: Serving, captioner: Captioner, tiny_bundle: Path, request: pytest.FixtureRequest
) -> Iterator[Page]:
    describer = seetell.load(tiny_bundle, task="describe", threads=1)
    with (
        serving(application({"caption": captioner, "describe": describer})) as port,
        opened(browser, port, **getattr(request, "param", {})) as page,
    ):
        yield page


def test_a_video_plays_with_its_descriptions(page: Page, film: Path):
    expect(page.locator("#choose")).to_have_text("Choose a photo or a video")
    page.set_input_files("#file", film)
    shown = page.locator("[data-command=describe]")
    entries = shown.locator(".shots li")
    expect(entries).to_have_count(2)
    said = entries.locator("span").all_text_contents()
    expect(shown.locator(".told")).to_have_text(said[0])
    expect(page.locator("#photo")).to_be_hidden()
    expect(page.locator("[data-command=caption]")).to_be_hidden()
    tracks = "[...document.querySelector('video.film').textTracks].map(({ kind, cues }) => [kind, cues.length])"
    assert page.evaluate(tracks) == [["descriptions", 2]]
    shown.get_by_role("button", name="0:01–0:03").click()
    expect(entries.nth(1)).to_have_class("now")
    expect(shown.locator(".told")).to_have_text(said[1])


def test_a_photo_after_a_video_is_a_photo(page: Page, film: Path):
    page.set_input_files("#file", film)
    expect(page.locator("[data-command=describe] .shots li")).to_have_count(2)
    page.set_input_files("#file", {"name": "photo.png", "mimeType": "image/png", "buffer": photo_file()})
    expect(page.locator("[data-command=caption]")).to_be_visible()
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator("[data-command=describe]")).to_be_hidden()


def test_what_is_no_video_is_told(page: Page):
    page.set_input_files("#file", {"name": "a.webm", "mimeType": "video/webm", "buffer": b"no film"})
    expect(page.locator("#problem")).to_contain_text("is no video that can be read")


@pytest.mark.parametrize("page", [{}, {"color_scheme": "dark"}, PHONE], indirect=True, ids=["light", "dark", "phone"])
def test_it_keeps_nobody_out(page: Page, film: Path):
    page.set_input_files("#file", film)
    expect(page.locator("[data-command=describe] .shots li")).to_have_count(2)
    no_violations(page)
