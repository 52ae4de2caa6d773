from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

TINTS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250), "yellow": (250, 250, 10)}


def paint(path: Path, tint: str, number: int = 0) -> Path:
    """Write a photo of one colour; another number is another content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), TINTS[tint]).save(path, "PNG")
    with open(path, "ab") as file:
        file.write(b"%d" % number)
    return path


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with four photos, one of them deeper, and things that are none."""
    folder = tmp_path / "album"
    paint(folder / "rose.png", "red")
    paint(folder / "grass.png", "green")
    paint(folder / "deep" / "er" / "sea.PNG", "blue")
    paint(folder / "deep" / "sun.png", "yellow")
    paint(folder / ".hidden" / "secret.png", "red", 1)
    (folder / "notes.txt").write_text("no photo")
    return folder
