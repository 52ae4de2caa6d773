"""Fonts to write with: those of a folder, or those that this machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from seetell.errors import DataError

SUFFIXES = (".ttf", ".otf", ".ttc")
SYSTEM_FOLDERS = {
    "win32": ("C:/Windows/Fonts",),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
}
LINUX_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")

_NO_CHARACTER = "\uffff"
_SIZE = 16


def find_fonts(folder: str | Path | None, characters: str) -> tuple[Path, ...]:
    """Return font files that have all of some characters, in the order of their names.

    Args:
        folder: with fonts in it or below it; when absent, the system's folders and the DejaVu fonts that come with
            matplotlib.
        characters: that a font must have, each drawn otherwise than the others.

    Raises:
        DataError: there is no such font.
    """
    folders = [Path(folder)] if folder else _font_folders()
    files = {path.name: path for each in folders for path in sorted(each.rglob("*")) if path.suffix.lower() in SUFFIXES}
    fonts = tuple(path for _, path in sorted(files.items()) if _writes(path, characters))
    if not fonts:
        where = ", ".join(map(str, folders))
        raise DataError(f"no font in {where} has all the characters {characters}; name a folder of fonts that have")
    return fonts


@lru_cache(maxsize=1024)
def font_of_size(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Open a font at a height in pixels."""
    return ImageFont.truetype(str(path), size)


def _font_folders() -> list[Path]:
    folders = [Path(os.path.expanduser(name)) for name in SYSTEM_FOLDERS.get(sys.platform, LINUX_FOLDERS)]
    matplotlib = find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        folders.append(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")
    return folders


def _writes(path: Path, characters: Sequence[str]) -> bool:
    """Return whether a font has the characters: symbol fonts have boxes, pictures or nothing in their place."""
    try:
        font = ImageFont.truetype(str(path), _SIZE)
        drawn = [bytes(font.getmask(sign)) for sign in characters]
        missing = bytes(font.getmask(_NO_CHARACTER))
        stop, letter = (sum(bytes(font.getmask(sign))) for sign in ".M")
    except (OSError, ValueError):
        return False
    # capital I and small l are one stroke in many fonts
    return missing not in drawn and all(drawn) and len(set(drawn)) > 0.9 * len(drawn) and stop < 0.4 * letter
