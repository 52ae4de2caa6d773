"""On the page the words of a photo lie over it, to be selected, and are copied by a button."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from web.browser import NEEDS_BROWSER, choose, no_violations, opened
from web.conftest import Serving, browser, serving

import seetell
from seetell.web.application import application
from seetell.web.limits import Limits

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]
__all__ = ["browser", "serving"]

NOTICE = Path("docs/pictures/notice.jpg")


def test_words_are_selected_and_copied(browser: Browser, serving: Serving):
    reader = seetell.load("read", threads=1)
    lines = reader.predict(NOTICE)
    app = application({"read": reader}, photos=None, limits=Limits(max_bytes=2**20))
    with serving(app) as port, opened(browser, port) as page:
        choose(page, NOTICE.read_bytes(), "notice.jpg")
        expect(page.locator("[data-command=read] .count")).to_have_text(f"{len(lines)} of {len(lines)} regions shown.")
        words = page.locator(".boxes[data-command=read] .words text")
        expect(words).to_have_text([line.text for line in lines])
        ground = page.locator("#ground").bounding_box()
        assert ground is not None
        scale = ground["width"] / lines.size[0]
        for place, line in enumerate(lines):
            left, _, right, _ = (scale * edge for edge in line.box)
            box = words.nth(place).bounding_box()
            assert box is not None
            assert [box["x"] - ground["x"], box["width"]] == pytest.approx(
                [left, right - left], abs=5
            )  # within the border
        assert words.first.evaluate("element => getComputedStyle(element).userSelect") == "text"
        page.locator("[data-command=read] button.part").nth(3).hover()  # its number and text are shown, too
        drag = "([first, last]) => getSelection().setBaseAndExtent(first, 0, last, 1)"
        page.evaluate(drag, [words.nth(place).element_handle() for place in (1, 3)])
        assert page.evaluate("getSelection().toString()").split("\n") == [line.text for line in lines][1:4]
        page.get_by_role("button", name="Copy the words").click()
        assert page.evaluate("navigator.clipboard.readText()") == "\n".join(line.text for line in lines)
        no_violations(page)
