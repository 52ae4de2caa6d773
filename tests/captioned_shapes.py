"""A data set small enough to learn by heart: coloured shapes and what they are called."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 70, 220), "yellow": (230, 210, 40)}
SHAPES = ("square", "circle", "cross")


def write_shapes(folder: Path) -> Path:
    """Write twelve photos of 64×64 pixels and ``captions.csv``, two sentences for each; two photos validate."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "captions.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "caption", "split"])
        for colour, rgb in COLOURS.items():
            for shape in SHAPES:
                name = f"{colour}-{shape}.png"
                image = Image.new("RGB", (64, 64), (128, 128, 128))
                pen = ImageDraw.Draw(image)
                if shape == "square":
                    pen.rectangle((16, 16, 48, 48), rgb)
                elif shape == "circle":
                    pen.ellipse((16, 16, 48, 48), rgb)
                else:
                    pen.line((12, 32, 52, 32), rgb, 10)
                    pen.line((32, 12, 32, 52), rgb, 10)
                image.save(folder / name)
                split = "val" if shape == "cross" and colour in ("red", "blue") else "train"
                for caption in (f"A {colour} {shape}.", f"There is a {colour} {shape} on grey."):
                    rows.writerow([name, caption, split])
    return folder
