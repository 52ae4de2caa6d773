"""How commands that give texts their boxes write them: lines, and a picture or a page of one photo."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from seetell.cli.format import Format
from seetell.cli.output_file import check_writable, write_file
from seetell.cli.rows import printable
from seetell.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
PAGES = (".html", ".htm")
DRAWN_SIDE = 1280
"""Pixels that a side of a drawn photo has at least, where the photo has as many."""

Item = TypeVar("Item")


def check_drawing(output: Path, items: Iterator[Item]) -> Iterator[Item]:
    """Refuse a place for a drawing that cannot be one, before any model is loaded.

    Args:
        output: the file to be written.
        items: what is to be drawn.

    Returns:
        The same, at most one.

    Raises:
        UsageError: the ending is no picture's and no page's, the file cannot be written, or there are more items.
    """
    if output.suffix.lower() not in (*PICTURES, *PAGES):
        raise UsageError(f"--output {output}: expected a name that ends in .png, .jpg or .html")
    check_writable(output, "--output")
    few = list(itertools.islice(items, 2))
    if len(few) > 1:
        raise UsageError("--output shows one photo; name one, or leave --output out")
    return iter(few)


def draw(
    output: Path,
    photo: str,
    *,
    page: Callable[[Image.Image, str], str],
    picture: Callable[[Image.Image], Image.Image],
) -> None:
    """Write a picture or a page of a photo, as the file's ending says.

    Args:
        output: the file to be written.
        photo: its path.
        page: makes a page of the opened photo and its name.
        picture: makes a picture of the opened photo.
    """
    from seetell.photos.opening import open_photo

    opened = open_photo(photo, at_least=(DRAWN_SIDE, DRAWN_SIDE))
    if output.suffix.lower() in PAGES:
        write_file(output, page(opened, os.path.basename(photo)))
        return
    file = io.BytesIO()
    picture(opened).save(file, PICTURES[output.suffix.lower()], quality=90, subsampling=0)
    write_file(output, file.getvalue())


def write_row(row: dict[str, Any], output_format: Format) -> None:
    """Write a photo's row: as JSON, or one line per region, an error to standard error.

    Args:
        row: with ``image``, and ``error`` or ``regions``.
        output_format: JSON lines or text.
    """
    if output_format is Format.jsonl:
        typer.echo(json.dumps(row, ensure_ascii=False))
    elif "error" in row:
        typer.echo(f"{printable(row['image'])}: {printable(row['error'])}", err=True)
    else:
        for region in row["regions"]:
            box = " ".join(f"{edge:.0f}" for edge in region["box"])
            typer.echo(f"{printable(row['image'])}\t{printable(region['text'])}\t{region['score']:.2f}\t{box}")
