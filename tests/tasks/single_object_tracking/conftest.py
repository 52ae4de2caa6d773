from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

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


def blotches(random: np.random.Generator, width: int, height: int) -> Image.Image:
    """A picture of soft spots of all colours."""
    small = random.integers(0, 256, (height // 6 + 1, width // 6 + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def make_film(*, count: int = 16, growth: float = 1.0, seed: int = 3) -> Film:
    """A blotchy thing of 40 × 28 pixels that wanders over another blotchy ground, and may grow."""
    random = np.random.default_rng(seed)

    ground, thing = blotches(random, 200, 140), blotches(random, 40, 28)
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


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos of a blotchy thing, with its box and outline as COCO instances; two are to validate on."""
    folder = tmp_path_factory.mktemp("photos")
    for split, numbers in {"train": range(10), "val": range(10, 12)}.items():
        images, annotations = [], []
        for number in numbers:
            random = np.random.default_rng(number)
            photo = blotches(random, 200, 140)
            width, height = int(random.integers(30, 50)), int(random.integers(24, 40))
            left, upper = int(random.integers(20, 120)), int(random.integers(20, 80))
            photo.paste(blotches(random, width, height), (left, upper))
            photo.save(folder / f"{number}.png")
            images.append({"id": number, "file_name": f"{number}.png", "width": 200, "height": 140})
            right, lower = left + width, upper + height
            outline = [[left, upper, right, upper, right, lower, left, lower]]
            box = [left, upper, width, height]
            annotations.append(
                {"id": number, "image_id": number, "category_id": 1, "bbox": box}
                | {"segmentation": outline, "area": width * height, "iscrowd": 0}
            )
        content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
        (folder / f"instances_{split}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="session")
def frames(film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film as pictures."""
    folder = tmp_path_factory.mktemp("frames")
    for number, frame in enumerate(film.frames):
        Image.fromarray(frame).save(folder / f"{number:02}.png")
    return folder
