"""Pages that are written to the disk, but for the report of captions: they hold together and keep nobody out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from drawing.browsing import VIEWS, no_violations, opened
from PIL import Image
from playwright.sync_api import Browser, expect
from web import browser as chromium

from seetell.drawing import page as result_page
from seetell.drawing.attention_folder import AttentionFolder
from seetell.drawing.gallery import Found, gallery
from seetell.drawing.score_report import ScoredPhoto, ScoreReport
from seetell.results import Alignment, Caption, Label, Labels, Region, Regions, Word

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="no Chromium here; $CHROMIUM can name one"),
]

CORNER = np.array([[0.97, 0.01], [0.01, 0.01]], np.float32)
SAID = Caption(
    "a <b> dog", (Word("a", -0.1, CORNER), Word("<b>", -1.2, CORNER.T[::-1]), Word("dog", -3.0, CORNER)), -5.0, "tiny"
)
SEGMENTS = (Region("a dog", (0, 0, 200, 150), 7.2), Region("on grass", (100, 80, 300, 200), -1.5))
LABELS = Labels((Label("a <dog>", 0.93), Label("an otterhound " * 9, 0.05), Label("a cat", 0.0)), "tiny")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as started:
        yield started


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, Path]:
    """One page of each kind."""
    photo = Image.new("RGB", (300, 200), (90, 120, 200))
    for name in ("dog", "cat"):
        photo.save(tmp_path / f"{name}.jpg")
    with AttentionFolder(tmp_path / "where", visible_box=lambda size: (0, 0, *map(float, size))) as folder:
        attention = [folder.add(str(tmp_path / f"{name}.jpg"), SAID) for name in ("dog", "cat")]
    found = Region("a <dog>", (0, 0, 200, 150), 0.9), Region("green grass", (100, 80, 300, 200), 0.5)
    scored = ScoredPhoto("dog.jpg", tmp_path / "dog.jpg", ("a dog",), ("the dog",), ({"CIDEr": 0.5},))
    hits = [Found(str(tmp_path / "cat.jpg"), 0.9), Found(str(tmp_path / "absent.jpg"), 0.1)]
    written = {
        "aligned": result_page(photo, Alignment("A dog on grass", SEGMENTS, 9.9, (300, 200), "tiny"), name="dog.jpg"),
        "regions": result_page(photo, Regions(found, (300, 200), "tiny"), name="dog.jpg"),
        "labels": result_page(photo, LABELS, name="dog.jpg"),
        "nothing": result_page(photo, Regions((), (300, 200), "tiny"), name="dog.jpg"),
        "gallery": gallery("a <dog>", "2 of 5 photos", hits, query_photo=str(tmp_path / "dog.jpg")),
        "scores": ScoreReport(
            names=("results.json",),
            about="1 photo",
            header=("metric", "score"),
            rows=(("CIDEr", "58.8"),),
            notes=(),
            metric="CIDEr",
            others=(),
            photos=(scored,),
        ).html(),
    }
    for name, html in written.items():
        (tmp_path / f"{name}.html").write_text(html, encoding="utf-8")
    return {
        "attention": attention[0],
        "index": tmp_path / "where" / "index.html",
        **{name: tmp_path / f"{name}.html" for name in written},
    }


KINDS = ["attention", "index", "aligned", "regions", "nothing", "labels", "gallery", "scores"]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_violation_and_nothing_is_asked_for(
    browser: Browser, pages: dict[str, Path], kind: str, view: str
):
    with opened(browser, pages[kind], **VIEWS[view]) as page:
        no_violations(page)
        if page.locator("button.word").count():
            page.locator("button.word").last.click()
            expect(page.locator("button.word").last).to_have_attribute("aria-pressed", "true")
            no_violations(page)
        pictures = "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
        assert kind == "index" or page.evaluate(pictures)


@pytest.mark.parametrize("kind", ["attention", "aligned", "regions"])
def test_words_and_places_are_reached_by_mouse_and_keyboard(browser: Browser, pages: dict[str, Path], kind: str):
    with opened(browser, pages[kind], **VIEWS["light"]) as page:
        words, told = page.locator("button.word"), page.locator(".description")
        invitation = told.inner_text()
        words.nth(1).hover()
        expect(page.locator(".place").nth(1)).to_have_class(re.compile(r"\bshown\b"))
        expect(told).not_to_have_text(invitation)
        page.mouse.move(0, 0)
        expect(told).to_have_text(invitation)
        page.keyboard.press("ArrowRight")
        expect(words.nth(0)).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Escape")
        expect(words.nth(1)).to_have_attribute("aria-pressed", "false")
        page.click(".play")
        expect(page.locator(".play")).to_have_text("Stop")
        page.click(".play")
        expect(page.locator(".play")).to_have_text("Play")


def test_the_index_leads_to_its_pages(browser: Browser, pages: dict[str, Path]):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(pages["index"].as_uri())
        page.get_by_role("link").first.click()
        expect(page.locator("button.word").first).to_be_visible()
