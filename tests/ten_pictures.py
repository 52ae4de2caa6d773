"""Ten pictures of 64 × 64 pixels with coloured boxes: as maps of a made-up encoder, and as a data set of photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

SIDE = 64
COLOURS = {"blue": (40, 70, 220), "green": (30, 180, 60), "red": (220, 30, 30)}
CLASSES = tuple(COLOURS)
CHANNELS = {8: 3, 16: 3, 32: 3}
POINTS = 4
PLACES = ((4, 4, 28, 24), (36, 2, 60, 30), (2, 34, 26, 62), (36, 36, 62, 60))


def objects() -> list[list[tuple[int, tuple[int, int, int, int]]]]:
    """Return class and box of each object of each picture; the last picture has none."""
    random = np.random.default_rng(0)
    pictures = [
        [(int(random.integers(3)), PLACES[place]) for place in random.permutation(4)[: 1 + number % 3]]
        for number in range(9)
    ]
    return [*pictures, []]


def targets() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return boxes and labels of each picture."""
    boxes = [torch.tensor([box for _, box in each], dtype=torch.float32).reshape(-1, 4) for each in objects()]
    return boxes, [torch.tensor([label for label, _ in each], dtype=torch.int64) for each in objects()]


def details(finds: str) -> list[torch.Tensor] | None:
    """Return what a branch should find: of each object the lower half, or the middles of its four edges."""
    found = []
    for each in objects():
        if finds == "masks":
            masks = torch.zeros(len(each), SIDE, SIDE, dtype=torch.uint8)
            for mask, (_, (left, top, right, bottom)) in zip(masks, each, strict=True):
                mask[(top + bottom) // 2 : bottom, left:right] = 1
            found.append(masks)
        else:
            points = [
                [(left + 2, y, 2), (x, top + 2, 2), (right - 2, y, 2), (x, bottom - 2, 2)]
                for _, (left, top, right, bottom) in each
                for x, y in [((left + right) / 2, (top + bottom) / 2)]
            ]
            found.append(torch.tensor(points, dtype=torch.float32).reshape(-1, POINTS, 3))
    return found if finds else None


def maps() -> dict[int, torch.Tensor]:
    """Return maps whose channels are the colours, ``(10, 3, h, w)``, by stride; a cell is centred at its multiple."""
    pixels = torch.zeros(10, 3, SIDE + 64, SIDE + 64)
    for photo, each in enumerate(objects()):
        for label, (left, top, right, bottom) in each:
            pixels[photo, label, 32 + top : 32 + bottom, 32 + left : 32 + right] = 1.0
    found = {}
    for stride in CHANNELS:
        cells = SIDE // stride + 1
        start = 32 - stride // 2
        found[stride] = F.avg_pool2d(
            pixels[:, :, start : start + cells * stride, start : start + cells * stride], stride
        )
    return found


def pixels() -> torch.Tensor:
    """Return images whose channels are the colours, ``(10, 3, 64, 64)``."""
    images = torch.zeros(10, 3, SIDE, SIDE)
    for photo, each in enumerate(objects()):
        for label, (left, top, right, bottom) in each:
            images[photo, label, top:bottom, left:right] = 1.0
    return images


def write_ten_pictures(folder: Path) -> Path:
    """Write them with labels in YOLO's format, those that train and, the same, those that validate."""
    for split in ("train", "val"):
        for place in ("images", "labels"):
            (folder / place / split).mkdir(parents=True)
        for number, each in enumerate(objects()):
            photo = np.full((SIDE, SIDE, 3), 128, np.uint8)
            lines = []
            for label, (left, top, right, bottom) in each:
                photo[top:bottom, left:right] = COLOURS[CLASSES[label]]
                x, y = (left + right) / 2 / SIDE, (top + bottom) / 2 / SIDE
                lines.append(f"{label} {x} {y} {(right - left) / SIDE} {(bottom - top) / SIDE}")
            Image.fromarray(photo).save(folder / "images" / split / f"{number}.png")
            (folder / "labels" / split / f"{number}.txt").write_text("\n".join(lines))
    names = ", ".join(CLASSES)
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: [{names}]\n")
    return folder
