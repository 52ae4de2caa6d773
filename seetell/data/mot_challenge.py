"""Files of MOT challenge: ground truth, detections and results of trackers.

A line is ``frame, id, left, top, width, height, confidence, class, visibility`` or, in results and in the files of
2015, ``…, confidence, -1, -1, -1``. Frames, ids and pixels count from 1 there: the first pixel's left edge is 1. Here
frames count from 0 and boxes are ``xyxy`` with edges between pixels, so that one is taken away.

Leal-Taixé et al., "MOTChallenge 2015: Towards a Benchmark for Multi-Target Tracking", arXiv:1504.01942; Milan et al.,
"MOT16: A Benchmark for Multi-Object Tracking", arXiv:1603.00831.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.results import Tracks

LEAST, MOST = 6, 10
"""Numbers in a line."""

MAX_FRAME = 10_000_000
"""Largest number of a frame."""


@dataclass(frozen=True, eq=False)
class MotTable:
    """The lines of a file, ``N`` of them, by frame and in their order.

    Attributes:
        frames: from 0, ``(N,)`` int64.
        ids: ``(N,)`` int64; −1 in detections.
        boxes: ``(N, 4)`` float64, ``xyxy`` in pixels.
        scores: ``(N,)``; 0 in ground truth for what does not count; 1 where the file has none.
        classes: from 1 for pedestrians, ``(N,)`` int64; −1 where the file has none.
    """

    frames: np.ndarray
    ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: np.ndarray | slice) -> MotTable:
        """Return some of the lines."""
        return MotTable(self.frames[rows], self.ids[rows], self.boxes[rows], self.scores[rows], self.classes[rows])

    @property
    def frame_count(self) -> int:
        """Frames up to the last that has a line."""
        return int(self.frames[-1]) + 1 if len(self) else 0

    def by_frame(self, count: int) -> Iterator[MotTable]:
        """Yield the lines of each of so many frames."""
        edges = np.searchsorted(self.frames, np.arange(count + 1))
        for start, end in itertools.pairwise(edges.tolist()):
            yield self[start:end]


def read_mot(path: Path) -> MotTable:
    """Read a file of ground truth, of detections or of results.

    Args:
        path: its numbers are separated by commas, or by blanks.

    Raises:
        DataError: it cannot be read, or a line is none of the format.
    """
    rows: list[list[float]] = []
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    rows.append(_numbers(line, f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    table = np.array(rows, np.float64).reshape(-1, 9)
    table = table[np.argsort(table[:, 0], kind="stable")]
    corner, sides = table[:, 2:4] - 1, table[:, 4:6]
    return MotTable(
        table[:, 0].astype(np.int64) - 1,
        table[:, 1].astype(np.int64),
        np.concatenate([corner, corner + sides], axis=1),
        table[:, 6],
        table[:, 7].astype(np.int64),
    )


def _numbers(line: str, place: str) -> list[float]:
    """Return frame, id, box, confidence, class and one number more of a line."""
    parts = line.replace(",", " ").split()
    try:
        values = [float(part) for part in parts]
    except ValueError as error:
        raise DataError(f"{place}: expected numbers, got {line.strip()[:80]!r}") from error
    if not LEAST <= len(values) <= MOST or not np.isfinite(values).all():
        raise DataError(f"{place}: expected {LEAST} to {MOST} finite numbers, got {line.strip()[:80]!r}")
    frame, number = values[:2]
    if frame != int(frame) or not 1 <= frame <= MAX_FRAME or number != int(number) or abs(number) > 2**53:
        raise DataError(
            f"{place}: expected whole numbers of a frame, from 1, and of a target; got {parts[0]}, {parts[1]}"
        )
    if min(values[4:6]) < 0:
        raise DataError(f"{place}: expected a width and a height that are not negative, got {parts[4]}, {parts[5]}")
    numbered = values[7] if len(values) == 9 else -1.0  # in files of ten numbers these are coordinates of the world
    return [*values[:6], values[6] if len(values) > 6 else 1.0, numbered, 0.0]


def mot_lines(tracks: Tracks) -> str:
    """Return tracks as a file of results, its lines by frame."""
    lines = sorted(
        (int(frame), track.id, *box, score)
        for track in tracks
        for frame, box, score in zip(track.frames, track.boxes.tolist(), track.scores.tolist(), strict=True)
    )
    return "".join(
        f"{frame + 1},{number},{x + 1:.2f},{y + 1:.2f},{right - x:.2f},{bottom - y:.2f},{score:.4f},-1,-1,-1\n"
        for frame, number, x, y, right, bottom, score in lines
    )


@dataclass(frozen=True)
class MotSequence:
    """A video of a data set of MOT challenge.

    Attributes:
        name: such as ``TUD-Campus``.
        truth: the file of the true objects.
        detections: the file of public detections, if there is one.
        frames: the folder with its pictures and ``seqinfo.ini``, if there are pictures.
    """

    name: str
    truth: Path
    detections: Path | None
    frames: Path | None


def find_sequences(folder: Path) -> list[MotSequence]:
    """Find the videos with ground truth below a folder, by name.

    Args:
        folder: has ``NAME/gt/gt.txt``, ``NAME/det/det.txt`` and ``NAME/img1``, perhaps below ``train``; or
            ``gt/NAME/gt.txt`` and ``det/NAME/det/det.txt``.

    Raises:
        DataError: there are none.
    """
    found = {}
    for truth in sorted([*folder.glob("gt/*/gt.txt"), *folder.glob("*/gt/gt.txt"), *folder.glob("*/*/gt/gt.txt")]):
        if truth.parent.name == "gt":
            home = truth.parents[1]
            detections, frames = home / "det" / "det.txt", home
        else:
            home = truth.parent
            detections, frames = folder / "det" / home.name / "det" / "det.txt", folder / home.name
        found[home.name] = MotSequence(
            home.name,
            truth,
            detections if detections.is_file() else None,
            frames if (frames / "seqinfo.ini").is_file() and any((frames / "img1").glob("*")) else None,
        )
    if not found:
        raise DataError(f"{folder}: expected videos of MOT challenge, NAME/gt/gt.txt or gt/NAME/gt.txt; found none")
    return [found[name] for name in sorted(found)]
