"""Small films for tests: frames of one grey, and scenes that a camera pans over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.video.writing import write_video

SIZE = (64, 48)


def grey(value: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def write_greys(path: Path, values: Sequence[int], *, fps: float = 10.0, times: Sequence[float] | None = None) -> Path:
    with write_video(path, size=SIZE, fps=fps) as writer:
        for index, value in enumerate(values):
            writer.add(grey(value), index / fps if times is None else times[index])
    return path


def write_film(path: Path, images: Iterable[np.ndarray], *, fps: float = 10.0, size: tuple[int, int] = SIZE) -> Path:
    """Write pictures ``(H, W, 3)`` uint8 as a film."""
    with write_video(path, size=size, fps=fps) as writer:
        for index, image in enumerate(images):
            writer.add(image, index / fps)
    return path


def tinted(*shots: tuple[tuple[int, int, int], int]) -> Iterator[np.ndarray]:
    """Yield frames of one colour: each shot's, so often."""
    for colour, count in shots:
        yield from [np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)] * count


def scene(seed: int, count: int, *, speed: float = 0.0, noise: float = 4.0) -> Iterator[np.ndarray]:
    """Yield frames of a scene of coloured patches, which the camera pans over, in noise."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 256, (6, 12, 3), np.uint8)).resize((192, 48), Image.Resampling.BILINEAR)
    for index in range(count):
        left = min(speed * index, 128)
        frame = np.asarray(patches.resize((64, 48), box=(left, 0, left + 64, 48))) + rng.normal(0, noise, (48, 64, 3))
        yield frame.clip(0, 255).astype(np.uint8)
