"""Find the columns of a table that name the photo, hold its captions, and state its split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from seetell.photos.opening import SUFFIXES

_IMAGE = (
    "image",
    "file",
    "filename",
    "photo",
    "filepath",
    "imagepath",
    "imagename",
    "imagefile",
    "photopath",
    "path",
    "picture",
    "img",
)
_CAPTION = ("caption", "text", "description", "sentence", "comment", "alttext", "alt", "title")
_SPLIT = ("split", "subset", "partition", "set")


@dataclass(frozen=True)
class Columns:
    """The columns to read, by their names as written.

    Attributes:
        image: names the photo.
        captions: hold the captions.
        split: states the split, where there is one.
        passed_over: other columns that could have held captions.
    """

    image: str
    captions: tuple[str, ...]
    split: str | None
    passed_over: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Say which columns were passed over for others."""
        if not self.passed_over:
            return []
        return [f"captions come from {_listed(self.captions)}; passed over: {_listed(self.passed_over)}"]


def find_columns(names: Sequence[str]) -> Columns | str:
    """Choose among a table's columns.

    Args:
        names: the header. Case, blanks and ``_`` do not count, and captions may be numbered or plural.

    Returns:
        The columns, or what is wrong with the header.
    """
    plain = {name: re.sub(r"[\W_]+", "", name.lower()) for name in names}
    image = next((name for wanted in _IMAGE for name in names if plain[name] == wanted), None)
    captions: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()
    for wanted in _CAPTION:
        pattern = re.compile(rf"{wanted}s?\d*")
        found = tuple(name for name in dict.fromkeys(names) if pattern.fullmatch(plain[name]))
        if captions:
            passed_over += found
        else:
            captions = found
    if image is None or not captions:
        return _not_found(names, image is None, not captions)
    split = next((name for wanted in _SPLIT for name in names if plain[name] == wanted), None)
    twice = [name for name in dict.fromkeys((image, *captions)) if list(names).count(name) > 1]
    if twice:
        return f"the header names the column {twice[0]!r} twice; rename one"
    return Columns(image, captions, split, passed_over)


def _not_found(names: Sequence[str], no_image: bool, no_captions: bool) -> str:
    wanted = []
    if no_image:
        wanted.append("one that names the photo (image, file, filename, photo)")
    if no_captions:
        wanted.append("one with its caption (caption, text, description, or caption_1, caption_2, …)")
    message = f"expected a header with columns, {' and '.join(wanted)}, but found {_listed(names)}"
    if any(cell.lower().endswith(tuple(SUFFIXES)) for cell in names):
        return f"{message}; this looks like data: add a first line with the columns' names, such as image,caption"
    return f"{message}; rename a column"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name if len(name) <= 40 else name[:37] + "...") for name in names[:12])
    return shown + (", …" if len(names) > 12 else "") if names else "none"
