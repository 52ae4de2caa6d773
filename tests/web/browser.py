"""A real Chromium for tests and pictures of the page."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from seetell.results import Caption

SECONDS = 30
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def program() -> str | None:
    """Return where Chromium is: what ``$CHROMIUM`` names, else a browser of that name on the path."""
    return os.environ.get("CHROMIUM") or next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


@contextmanager
def browser() -> Iterator[Browser]:
    """Start it; with a camera that shows a test picture."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program(), args=list(OPTIONS))
        yield started
        started.close()


NEEDS_BROWSER = pytest.mark.skipif(program() is None, reason="no Chromium here; $CHROMIUM can name one")
expect.set_options(timeout=1000 * SECONDS)


@contextmanager
def opened(browser: Browser, port: int, **options: Any) -> Iterator[Page]:
    """Open the page with options of a browser's context; it must ask nobody else and complain of nothing."""
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * SECONDS)
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"http://127.0.0.1:{port}/")
        yield page
        assert [url for url in asked if not url.startswith((f"http://127.0.0.1:{port}/", "blob:"))] == []
        assert [text for text in complaints if "Failed to load resource" not in text] == []


def choose(page: Page, content: bytes, name: str = "photo.png") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})


def described(page: Page, caption: Caption) -> None:
    """Wait until the page shows a caption."""
    expect(page.locator("[data-command=caption] .part")).to_have_text([word.text for word in caption.words])


def no_violations(page: Page) -> None:
    page.wait_for_timeout(500)  # colours in transition have other contrasts
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert found == [], json.dumps(found, indent=1)[:3000]
