"""``--output`` of commands that make views: a film, a picture of all views side by side, or a folder of pictures."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.atomic_write import atomic_directory
from seetell.cli.output_file import check_writable, write_file
from seetell.cli.side_outputs import PICTURES
from seetell.errors import SeetellError, UsageError
from seetell.video.endings import WRITTEN

ANIMATION = ".gif"
"""Ending of a film that needs no extra."""

ENDINGS = (*WRITTEN, ANIMATION, *PICTURES)
"""Of the files that views are written to."""

GAP = 2
"""White pixels between views."""


def check_views_output(path: Path, *, inputs: Sequence[str]) -> None:
    """Check before any work that views can be written.

    Args:
        path: a file, or a folder, which has no ending.
        inputs: what the command reads.

    Raises:
        UsageError: the ending is of neither a picture nor a film, the folder is there, or nothing can be written.
    """
    ending = path.suffix.lower()
    if not ending:
        if os.path.lexists(path):
            raise UsageError(f"--output {path}: exists; name a new folder, or a file in {', '.join(ENDINGS)}")
        check_writable(path, "--output", inputs=inputs)
        return
    if ending not in ENDINGS:
        raise UsageError(f"--output {path}: expected a name in {', '.join(ENDINGS)}, or a folder, without an ending")
    if ending in WRITTEN:
        from seetell.extras import require

        require("video", f"--output {path}")
    check_writable(path, "--output", inputs=inputs, picture=ending not in WRITTEN, video=ending in WRITTEN)


def write_views(path: Path, views: Iterator[np.ndarray], *, fps: float) -> None:
    """Write views, of which there is at least one, whole or not at all.

    Args:
        path: a film or a picture, by its ending, or a folder.
        views: ``(H, W, 3)`` uint8 of one size; those of a film are written one by one.
        fps: views a second of a film.

    Raises:
        SeetellError: nothing can be written there.
    """
    ending = path.suffix.lower()
    if ending in PICTURES:
        file = io.BytesIO()
        sheet(list(views)).save(file, PICTURES[ending], quality=92)
        write_file(path, file.getvalue())
    elif ending == ANIMATION:
        write_file(path, animation(list(views), fps=fps))
    elif ending:
        _write_film(path, views, fps)
    else:
        _write_folder(path, views)


def _write_film(path: Path, views: Iterator[np.ndarray], fps: float) -> None:
    from seetell.video.writing import write_video

    first = next(views)
    with write_video(path, size=(first.shape[1], first.shape[0]), fps=fps) as film:
        for number, view in enumerate(chain([first], views)):
            film.add(view, number / fps)


def _write_folder(path: Path, views: Iterator[np.ndarray]) -> None:
    try:
        with atomic_directory(path) as folder:
            for number, view in enumerate(views):
                Image.fromarray(view).save(folder / f"{number:03}.png")
    except OSError as error:
        raise SeetellError(f"{path}: cannot be written ({error.strerror})") from error


def animation(views: Sequence[np.ndarray], *, fps: float) -> bytes:
    """Return pictures ``(H, W, 3)`` of one size as a GIF that begins again at its end.

    Args:
        views: at least one.
        fps: views a second, rounded to a hundredth of a second each, of which it has at least two.
    """
    file = io.BytesIO()
    first, *others = (Image.fromarray(view).quantize(256) for view in views)
    milliseconds = max(20, 10 * round(100 / fps))
    first.save(file, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return file.getvalue()


def sheet(views: Sequence[np.ndarray]) -> Image.Image:
    """Return pictures ``(H, W, 3)`` of one size side by side, in as many rows as columns or one less."""
    height, width = views[0].shape[:2]
    columns = math.ceil(math.sqrt(len(views)))
    rows = math.ceil(len(views) / columns)
    whole = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), "white")
    for number, view in enumerate(views):
        row, column = divmod(number, columns)
        whole.paste(Image.fromarray(view), (column * (width + GAP), row * (height + GAP)))
    return whole
