"""Find the columns of a table with the photos, the captions and the splits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from seetell.photos.formats import is_photo_name

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
        image: column of the photos.
        captions: columns of the captions.
        split: column of the splits, if there is one.
        ignored: other columns that could contain captions.
    """

    image: str
    captions: tuple[str, ...]
    split: str | None
    ignored: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Return remarks about ignored columns."""
        if not self.ignored:
            return []
        return [f"captions come from {_listed(self.captions)}; ignored: {_listed(self.ignored)}"]


def find_columns(names: Sequence[str]) -> Columns | str:
    """Choose the columns of a table.

    Args:
        names: the header. Case, white space and ``_`` are ignored, and captions may be numbered or plural.

    Returns:
        The columns, or the error in the header.
    """
    plain = {name: re.sub(r"[\W_]+", "", name.lower()) for name in names}
    image = next((name for wanted in _IMAGE for name in names if plain[name] == wanted), None)
    captions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    for wanted in _CAPTION:
        pattern = re.compile(rf"{wanted}s?\d*")
        found = tuple(name for name in dict.fromkeys(names) if pattern.fullmatch(plain[name]))
        if captions:
            ignored += found
        else:
            captions = found
    if image is None or not captions:
        return _not_found(names, image is None, not captions)
    split = next((name for wanted in _SPLIT for name in names if plain[name] == wanted), None)
    twice = [name for name in dict.fromkeys((image, *captions)) if list(names).count(name) > 1]
    if twice:
        return f"the header names the column {twice[0]!r} twice; rename one"
    return Columns(image, captions, split, ignored)


def _not_found(names: Sequence[str], no_image: bool, no_captions: bool) -> str:
    wanted = []
    if no_image:
        wanted.append("one that names the photo (image, file, filename, photo)")
    if no_captions:
        wanted.append("one with its caption (caption, text, description, or caption_1, caption_2, …)")
    message = f"expected a header with columns, {' and '.join(wanted)}, but found {_listed(names)}"
    if any(is_photo_name(cell) for cell in names):
        return f"{message}; this looks like data: add a first line with the columns' names, such as image,caption"
    return f"{message}; rename a column"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name if len(name) <= 40 else name[:37] + "...") for name in names[:12])
    return shown + (", …" if len(names) > 12 else "") if names else "none"
