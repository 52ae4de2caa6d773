"""Renew the pictures of the page in docs/pictures: python tests/web/screenshots.py."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from playwright.sync_api import expect  # noqa: E402
from web.browser import browser  # noqa: E402
from web.conftest import served  # noqa: E402

import seetell  # noqa: E402
from seetell.search.photo_index import PhotoIndex  # noqa: E402
from seetell.web.album import Album  # noqa: E402
from seetell.web.application import Models, application  # noqa: E402

EXAMPLES = TESTS.parent / "examples"
PICTURES = TESTS.parent / "docs" / "pictures"
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
VIEWS = {
    "light": {"viewport": {"width": 1180, "height": 1000}},
    "dark": {"viewport": {"width": 1180, "height": 1000}, "color_scheme": "dark"},
    "phone": PHONE,
}


def main() -> None:
    """Take all pictures."""
    aligner = seetell.load("align")
    with tempfile.TemporaryDirectory() as index:
        with PhotoIndex(index, aligner) as photos:
            photos.update([str(EXAMPLES)])
        app = application(Models(seetell.load(), aligner, Album(index, aligner)))
        with served(app) as port, browser() as chromium:
            for name, options in VIEWS.items():
                context = chromium.new_context(**options, reduced_motion="reduce")
                page = context.new_page()
                page.set_default_timeout(120_000)
                page.goto(f"http://127.0.0.1:{port}/")
                page.set_input_files("#file", str(EXAMPLES / "dog.jpg"))
                page.locator("#words .part", has_text="dog").wait_for()
                if name != "phone":
                    page.fill("#query", "a building")
                    page.press("#query", "Enter")
                    expect(page.locator("#found img[src]")).to_have_count(10, timeout=120_000)
                if name == "light":
                    page.fill("#sentence", "A dog stands in the dry grass")
                    page.press("#sentence", "Enter")
                    page.locator("#segments .part").first.wait_for()
                else:
                    page.locator("#words .part", has_text="dog").click()
                page.wait_for_load_state("networkidle")
                page.evaluate("scrollTo(0, 0)")
                page.screenshot(path=PICTURES / f"page-{name}.jpg", type="jpeg", quality=80)
                context.close()


if __name__ == "__main__":
    main()
