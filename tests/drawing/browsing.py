"""A written page in a real Chromium; whatever a test does there, it must ask nobody else and complain of nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1100, "height": 800}},
    "dark": {"viewport": {"width": 1100, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}


@contextmanager
def opened(browser: Browser, path: Path, **options: Any) -> Iterator[Page]:
    """Open a page from the disk."""
    with browser.new_context(**options) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(path.as_uri())
        yield page
        here = (f"{path.parent.as_uri()}/", "data:", "blob:")
        assert [url for url in asked if not url.startswith(here)] == []
        assert complaints == []


def no_violations(page: Page) -> None:
    """See to it that axe finds nothing that keeps anybody out, and that nothing sticks out to the side."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert found == [], json.dumps(found, indent=1)[:3000]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
