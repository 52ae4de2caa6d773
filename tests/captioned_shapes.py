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


def write_shape_boxes(folder: Path) -> Path:
    """Write Flickr30k Entities for the photos of :func:`write_shapes`: each shape's phrase has its box."""
    for name in ("Annotations", "Sentences"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for colour in COLOURS:
        for shape in SHAPES:
            low, high = (12, 52) if shape == "cross" else (16, 48)
            sides = {"xmin": low + 1, "ymin": low + 1, "xmax": high, "ymax": high}
            box = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())
            (folder / "Annotations" / f"{colour}-{shape}.xml").write_text(
                "<annotation><size><width>64</width><height>64</height></size>"
                f"<object><name>1</name><bndbox>{box}</bndbox></object></annotation>"
            )
            (folder / "Sentences" / f"{colour}-{shape}.txt").write_text(
                f"[/EN#1/other A {colour} {shape}] .\n"
                f"There is [/EN#1/other a {colour} {shape}] on [/EN#0/notvisual grey] .\n"
            )
    return folder
