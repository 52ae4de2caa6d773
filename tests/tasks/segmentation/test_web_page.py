"""A segmenter on the page in a real browser: the list, and the colours over the photo."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from web import browser as chromium
from web.browser import NEEDS_BROWSER, choose, no_violations
from web.conftest import served

import seetell
from seetell.drawing.masks import PALETTE
from seetell.geometry.masks import label_map
from seetell.results import Masks
from seetell.web.application import application

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

CELLS = """canvas => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return [width, height, ...copy.getImageData(0, 0, width, height).data];
}"""


@pytest.fixture(scope="module")
def page(bundle: Path) -> Iterator[Page]:
    segmenter = seetell.load(bundle, threads=1)
    with (
        chromium.browser() as browser,
        served(application({"segment": segmenter})) as port,
        chromium.opened(browser, port) as page,
    ):
        yield page


@pytest.fixture(scope="module")
def found(bundle: Path, photo: bytes) -> Masks:
    return seetell.load(bundle, threads=1).predict(photo)


@pytest.fixture(scope="module")
def photo(scenes: Path) -> bytes:
    return (scenes / "val" / "8.png").read_bytes()


def colours(page: Page) -> np.ndarray:
    width, height, *cells = page.locator(".masks canvas").evaluate(CELLS)
    return np.array(cells, np.uint8).reshape(height, width, 4)


def test_colours_lie_where_the_masks_are(page: Page, found: Masks, photo: bytes):
    choose(page, photo, "scene.png")
    parts = page.locator("[data-command=segment] .part")
    expect(parts).to_have_count(len(found))
    expect(parts.first).to_have_text(re.compile(f"1{found[0].text} {100 * found[0].share:.0f}%"))
    with Image.open(io.BytesIO(photo)) as opened:
        assert opened.size == found.size
    numbers = label_map([(mask.counts, mask.index) for mask in found], found.size)
    np.testing.assert_array_equal(colours(page)[..., :3], PALETTE[numbers])
    no_violations(page)


def test_an_entry_shows_its_mask_alone(page: Page, found: Masks, photo: bytes):
    choose(page, photo, "scene.png")
    parts = page.locator("[data-command=segment] .part")
    expect(parts).to_have_count(len(found))
    parts.nth(1).click()
    expect(page.locator("[data-command=segment] .description")).to_have_text(re.compile("of the photo; confidence"))
    inside = label_map([(found[1].counts, 1)], found.size) == 1
    np.testing.assert_array_equal(colours(page)[..., 3] == 255, inside)
