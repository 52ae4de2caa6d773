"""Sequences of the object tracking benchmark (OTB), and files of results in the format of its toolkits.

A sequence is a folder with its frames, in ``img`` or beside it, and ``groundtruth_rect.txt``: a line for each frame,
``x, y, width, height`` in pixels counted from 1, set apart by commas, tabs or blanks. Where two objects are followed,
there are ``groundtruth_rect.1.txt`` and ``groundtruth_rect.2.txt``. A file of results has the same form.

Here boxes are ``xyxy`` with edges between pixels, so that the first pixel's left edge is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.atomic_write import atomic_file
from seetell.data.source import numbered_lines, read_text
from seetell.errors import DataError
from seetell.photos.formats import is_photo_name

TRUTH = re.compile(r"groundtruth_rect(?:\.(\d+))?\.txt")

FIRST_FRAMES = {"David": 300}
"""Number of the frame that the first line stands for, where that is not the first of the folder."""


@dataclass(frozen=True, eq=False)
class OtbSequence:
    """A film with the true boxes of one object.

    Attributes:
        name: of the folder, and of the object after a dot where there are several.
        frames: the pictures, in order.
        boxes: ``(N, 4)`` ``xyxy`` in pixels, one a frame; not a number where the object is out of sight.
    """

    name: str
    frames: tuple[Path, ...]
    boxes: np.ndarray


def read_otb(folder: str | Path) -> tuple[OtbSequence, ...]:
    """Read a sequence, or all sequences of a folder, by name.

    Raises:
        DataError: there is none, or one is damaged; the message names the file and the line.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of OTB: frames and groundtruth_rect.txt; there is none")
    places = (
        [folder] if _truths(folder) else sorted(path for path in folder.iterdir() if path.is_dir() and _truths(path))
    )
    sequences = tuple(_sequence(place, truth) for place in places for truth in _truths(place))
    if not sequences:
        raise DataError(f"{folder}: holds no groundtruth_rect.txt, nor does a folder in it; expected sequences of OTB")
    return sequences


def read_boxes(path: Path) -> np.ndarray:
    """Read a file of boxes, such as ``groundtruth_rect.txt`` or a tracker's results.

    Returns:
        ``(N, 4)`` ``xyxy`` in pixels; not a number where a line has no size or ``NaN``, the object being out of sight.

    Raises:
        DataError: the file cannot be read, or a line has other than four numbers.
    """
    boxes = []
    text, problems = read_text(path)
    if problems:
        raise DataError(f"{path}: {problems[0].message}")
    for number, line in numbered_lines(text):
        try:
            x, y, width, height = (float(value) for value in re.split(r"[,\s]+", line.strip().strip(",")))
        except ValueError as error:
            raise DataError(f"{path}:{number}: expected x, y, width and height, got {line.strip()[:80]!r}") from error
        hidden = width <= 0 or height <= 0
        boxes.append((np.nan,) * 4 if hidden else (x - 1, y - 1, x - 1 + width, y - 1 + height))
    if not boxes:
        raise DataError(f"{path}: expected a line for each frame, got none")
    return np.array(boxes, np.float64)


def write_boxes(path: Path, boxes: np.ndarray) -> None:
    """Write boxes ``(N, 4)`` ``xyxy``, a line each; one that is not finite as ``NaN,NaN,NaN,NaN``."""
    with atomic_file(path) as file:
        file.write("".join(map(_line, boxes)).encode())


def _line(box: Iterable[float]) -> str:
    left, upper, right, lower = (float(edge) for edge in box)
    values = (left + 1, upper + 1, right - left, lower - upper)
    return ",".join("NaN" if not np.isfinite(value) else f"{value:.3f}" for value in values) + "\n"


def _truths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("groundtruth_rect*.txt") if TRUTH.fullmatch(path.name))


def _sequence(folder: Path, truth: Path) -> OtbSequence:
    images = folder / "img" if (folder / "img").is_dir() else folder
    frames = sorted(path for path in images.iterdir() if is_photo_name(path.name))
    boxes = read_boxes(truth)
    first = FIRST_FRAMES.get(folder.name, 1) - 1
    frames = frames[first : first + len(boxes)]
    if len(frames) < len(boxes):
        raise DataError(f"{truth}: has {len(boxes)} lines, but {images} only {first + len(frames)} frames")
    match = TRUTH.fullmatch(truth.name)
    assert match is not None
    name = folder.resolve().name if match[1] is None else f"{folder.resolve().name}.{match[1]}"
    return OtbSequence(name, tuple(frames), boxes)
