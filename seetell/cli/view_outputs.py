"""``--output`` of commands that make views: a film, or a picture of all views side by side."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.cli.output_file import check_writable, write_file
from seetell.cli.side_outputs import PICTURES
from seetell.errors import UsageError
from seetell.video.endings import WRITTEN

GAP = 2
"""White pixels between views."""


def check_views_output(path: Path, *, inputs: Sequence[str]) -> None:
    """Check before any work that views can be written.

    Args:
        path: the file.
        inputs: what the command reads.

    Raises:
        UsageError: the ending is of neither a picture nor a film, or nothing can be written there.
    """
    ending = path.suffix.lower()
    if ending not in (*WRITTEN, *PICTURES):
        raise UsageError(f"--output {path}: expected a name in {', '.join((*WRITTEN, *PICTURES))}")
    if ending in WRITTEN:
        from seetell.extras import require

        require("video", f"--output {path}")
    check_writable(path, "--output", inputs=inputs, picture=ending in PICTURES, video=ending in WRITTEN)


def write_views(path: Path, views: Iterator[np.ndarray], *, fps: float) -> None:
    """Write views, of which there is at least one, whole or not at all.

    Args:
        path: a film or a picture, by its ending.
        views: ``(H, W, 3)`` uint8 of one size; those of a film are written one by one.
        fps: views a second of a film.
    """
    if path.suffix.lower() in PICTURES:
        file = io.BytesIO()
        sheet(list(views)).save(file, PICTURES[path.suffix.lower()], quality=92)
        write_file(path, file.getvalue())
        return
    from seetell.video.writing import write_video

    first = next(views)
    with write_video(path, size=(first.shape[1], first.shape[0]), fps=fps) as film:
        for number, view in enumerate(chain([first], views)):
            film.add(view, number / fps)


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
