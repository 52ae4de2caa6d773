"""Whether copies of photos are known as such, and other photos are not: prints one JSON line.

Each photo is saved in other formats, qualities and sizes. The shares that get its result are printed by kind, and how
near the nearest two different photos come, in units of the limit: 1 is a copy. ``--film`` tells how many frames of a
film, a folder of pictures, are taken for copies of the frame before.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from format_stability import saved_as
from PIL import Image

import seetell
from seetell.photos.opening import PhotoSource
from seetell.runtime.near_duplicates import MEAN_DIFFERENCE, NearDuplicates, Thumbnail, spread

QUALITIES = {"JPEG": (30, 50, 75, 90), "WEBP": (30, 50, 80), "AVIF": (30, 50, 75)}
BLOCK = 500


def scaled(photo: Image.Image, factor: float, filter: Image.Resampling) -> Image.Image:
    """Return a photo of another size."""
    return photo.resize((max(1, round(photo.width * factor)), max(1, round(photo.height * factor))), filter)


def copies(photo: Image.Image) -> Iterable[tuple[str, Image.Image | bytes]]:
    """Return copies of a photo, by kind."""
    jpeg = saved_as("JPEG", quality=75)
    for format, qualities in QUALITIES.items():
        for quality in qualities:
            yield f"{format.lower()} {quality}", saved_as(format, quality=quality)(photo)
    yield "half", scaled(photo, 0.5, Image.Resampling.LANCZOS)
    yield "half, bilinear, jpeg 75", jpeg(scaled(photo, 0.5, Image.Resampling.BILINEAR))
    yield "quarter", scaled(photo, 0.25, Image.Resampling.LANCZOS)
    yield "double, jpeg 75", jpeg(scaled(photo, 2, Image.Resampling.BICUBIC))
    yield "gif", saved_as("GIF")(photo.convert("P", palette=Image.Palette.ADAPTIVE))


def is_copy(one: Thumbnail, other: Thumbnail) -> bool:
    """Return whether another image gets the result of one before."""
    known: NearDuplicates[int] = NearDuplicates()
    return known.result(one, 1) == known.result(other, 2)


def found(photos: Iterable[Path], small: Callable[[PhotoSource], Thumbnail]) -> dict[str, float]:
    """Return the share of copies of each kind that get the photo's result."""
    hits: dict[str, list[bool]] = {}
    for path in photos:
        photo = seetell.open_photo(path)
        first = small(photo)
        for kind, copy in copies(photo):
            hits.setdefault(kind, []).append(is_copy(first, small(copy)))
    return {kind: round(float(np.mean(each)), 3) for kind, each in hits.items()}


def nearest(thumbnails: np.ndarray) -> tuple[float, list[int]]:
    """Return the least root mean square between two thumbnails, in units of its limit, and which two they are."""
    limits = MEAN_DIFFERENCE * np.array([spread(each) for each in thumbnails])
    rows = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    squares, best, pair = np.square(rows).sum(axis=1), np.inf, [0, 0]
    for first in range(0, len(rows), BLOCK):
        block = slice(first, first + BLOCK)
        distance = squares[block, None] + squares - 2 * rows[block] @ rows.T
        distance = np.sqrt(np.maximum(distance, 0) / rows.shape[1]) / limits[block, None]
        distance[np.arange(len(distance)), first + np.arange(len(distance))] = np.inf
        row, column = np.unravel_index(distance.argmin(), distance.shape)
        if distance[row, column] < best:
            best, pair = float(distance[row, column]), [first + int(row), int(column)]
    return best, pair


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", help="folders of photos, all different")
    parser.add_argument("--count", type=int, default=120, help="photos that are copied, drawn at random")
    parser.add_argument("--film", type=Path, action="append", default=[], help="folder of frames, in their order")
    arguments = parser.parse_args()
    captioner = seetell.load()

    def small(photo: PhotoSource) -> Thumbnail:
        return captioner.thumbnail(captioner.prepare(photo))

    report: dict[str, object] = {}
    photos = [path for folder in arguments.folders for path in sorted(Path(folder).iterdir())]
    if photos:
        chosen = random.Random(0).sample(photos, min(arguments.count, len(photos)))
        distance, pair = nearest(np.stack([small(path).colours for path in photos]))
        report = {"copied": len(chosen), "found": found(chosen, small), "photos": len(photos)}
        report |= {"nearest": round(distance, 2), "which": [photos[place].name for place in pair]}
    for folder in arguments.film:
        frames = [small(path) for path in sorted(folder.rglob("*.jpg"))]
        same = sum(itertools.starmap(is_copy, itertools.pairwise(frames)))
        report[str(folder)] = {"frames": len(frames), "copies_of_the_one_before": same}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
