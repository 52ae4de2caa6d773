"""Small films for tests, each frame of one grey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seetell.video.writing import write_video

SIZE = (64, 48)


def grey(value: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def write_greys(path: Path, values: Sequence[int], *, fps: float = 10.0, times: Sequence[float] | None = None) -> Path:
    with write_video(path, size=SIZE, fps=fps) as writer:
        for index, value in enumerate(values):
            writer.add(grey(value), index / fps if times is None else times[index])
    return path
