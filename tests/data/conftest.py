from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def paint() -> Callable[[Path, Iterable[str]], Path]:
    """Write a small photo under each name, every one with pixels of its own."""

    def write(folder: Path, names: Iterable[str]) -> Path:
        for number, name in enumerate(names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8 + number % 5, 6), (number % 256, 7 * number % 256, 99)).save(path, "PNG")
        return folder

    return write


@pytest.fixture
def flickr8k() -> Path:
    """The real Flickr8k, without its test photos."""
    root = Path(os.environ.get("SEETELL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "flickr8k"
    if not root.is_dir():
        pytest.skip(f"no Flickr8k at {root}; set SEETELL_DATA to the folder that holds flickr8k/")
    return root
