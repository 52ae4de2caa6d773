from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image


@dataclass(frozen=True)
class Film:
    """Frames ``(H, W, 3)`` uint8 and the true boxes ``(N, 4)`` of what moves in them."""

    frames: list[np.ndarray]
    boxes: np.ndarray

    @property
    def box(self) -> tuple[float, float, float, float]:
        return tuple(self.boxes[0].tolist())


def make_film(*, count: int = 16, growth: float = 1.0, seed: int = 3) -> Film:
    """A blotchy thing of 40 × 28 pixels that wanders over another blotchy ground, and may grow."""
    random = np.random.default_rng(seed)

    def blotches(width: int, height: int) -> Image.Image:
        small = random.integers(0, 256, (height // 6 + 1, width // 6 + 1, 3), dtype=np.uint8)
        return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)

    ground, thing = blotches(200, 140), blotches(40, 28)
    frames, boxes = [], []
    for number in range(count):
        width, height = round(40 * growth**number), round(28 * growth**number)
        left = round(50 + 3.2 * number - width / 2)
        upper = round(60 + 14 * np.sin(number / 4) - height / 2)
        frame = ground.copy()
        frame.paste(thing.resize((width, height), Image.Resampling.BILINEAR), (left, upper))
        frames.append(np.asarray(frame))
        boxes.append((left, upper, left + width, upper + height))
    return Film(frames, np.array(boxes, np.float64))


@pytest.fixture(scope="session")
def film() -> Film:
    """An object that keeps its size."""
    return make_film()


@pytest.fixture(scope="session")
def growing_film() -> Film:
    """An object that grows by a half."""
    return make_film(growth=1.027)
