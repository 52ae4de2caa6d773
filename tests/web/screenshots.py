"""Take the pictures of the page in docs/pictures: python tests/web/screenshots.py."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from web.browser import browser  # noqa: E402
from web.conftest import served  # noqa: E402

import seetell  # noqa: E402
from seetell.web.application import application  # noqa: E402

EXAMPLES = TESTS.parent / "examples"
PICTURES = TESTS.parent / "docs" / "pictures"
COMMANDS = ("caption", "classify", "regions")
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 1.5, "has_touch": True, "is_mobile": True}
VIEWS = {
    "light": {"viewport": {"width": 1180, "height": 1400}},
    "dark": {"viewport": {"width": 1180, "height": 1400}, "color_scheme": "dark"},
    "phone": PHONE,
    "explained": {"viewport": {"width": 1180, "height": 1400}},
}
EXPLAINED = {"x": 0, "y": 270, "width": 1180, "height": 590}
"""The part of the page with the photo, the caption and its maps."""

BELOW_THE_PHOTO = """() => {
    const edge = (selector, side) => document.querySelector(selector).getBoundingClientRect()[side];
    scrollBy(0, edge("#photo", "top"));
    scrollBy(0, edge("[data-command=regions]", "top") - edge("#photo", "bottom") - 12);
}"""


def main() -> None:
    """Take all pictures."""
    app = application({command: seetell.load(command) for command in COMMANDS})
    with served(app) as port, browser() as chromium:
        for name, options in VIEWS.items():
            context = chromium.new_context(**options, reduced_motion="reduce")
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{port}/")
            page.set_input_files("#file", str(EXAMPLES / "dog.jpg"))
            page.locator("[data-command=regions] .part").first.wait_for()
            if name == "light":
                page.locator("[data-command=regions] .part").first.hover()
            elif name == "phone":
                page.evaluate(BELOW_THE_PHOTO)
            else:
                page.locator("[data-command=caption] .part", has_text="shepherd").click()
                page.locator("[data-command=caption] .maps figcaption", has_text="occlusion").wait_for()
            clip = EXPLAINED if name == "explained" else None
            page.screenshot(path=PICTURES / f"page-{name}.jpg", type="jpeg", quality=76, clip=clip)
            context.close()


if __name__ == "__main__":
    main()
