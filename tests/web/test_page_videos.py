"""The page in a real browser, given a video: it plays with its descriptions, and each leads to its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from block_detector import BlockDetector, moving_blocks
from playwright.sync_api import Browser, Page, expect
from small_films import tinted, write_film
from web.browser import NEEDS_BROWSER, PHONE, no_violations, opened
from web.conftest import Serving, photo_file

import seetell
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.tracking.predict import ObjectTracker
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


def test_a_video_plays_with_the_boxes_of_its_objects(browser: Browser, serving: Serving, tmp_path: Path):
    path = write_film(tmp_path / "walk.webm", moving_blocks(), size=(120, 60))
    tracker = ObjectTracker("blocks", BlockDetector, threads=1)
    with serving(application({"track": tracker})) as port, opened(browser, port) as page:
        page.set_input_files("#file", path)
        shown = page.locator("[data-command=track]")
        expect(shown.locator(".shots li")).to_have_text(["0:00–0:01 person 1", "0:00–0:01 dog 2"])
        page.evaluate("document.querySelector('.tracked video').currentTime = 1.05")
        boxes = shown.locator(".tracked > div > div")
        expect(boxes).to_have_text(["person 1", "dog 2"])
        expect(boxes.first).to_have_css("left", re.compile(r"^[1-9]"))
        place = boxes.first.evaluate("(box) => parseFloat(box.style.left)")
        assert place == pytest.approx(100 * 20 / 120, abs=3)  # in the eleventh frame
        no_violations(page)


@pytest.mark.parametrize("page", [{}, {"color_scheme": "dark"}, PHONE], indirect=True, ids=["light", "dark", "phone"])
def test_it_keeps_nobody_out(page: Page, film: Path):
    page.set_input_files("#file", film)
    expect(page.locator("[data-command=describe] .shots li")).to_have_count(2)
    no_violations(page)
