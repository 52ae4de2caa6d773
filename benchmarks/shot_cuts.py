"""Measure which cuts of a film of panned and zoomed photos are found, and what is found besides.

python benchmarks/shot_cuts.py flickr8k --photos 80 --seed 2 --fps 25
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.data import read
from seetell.video.cuts import CutFinder

SIZE = (160, 120)
NOISE = 6.0
"""Deviation of what is added to every pixel of every frame."""

SECONDS = (1.2, 4.0)
"""Least and greatest length of a shot."""


def shot(path: Path, frames: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield frames of a camera that pans and zooms over a photo."""
    photo = Image.open(path).convert("RGB")
    width, height = photo.size
    zooms, centres = rng.uniform(0.6, 1, 2), rng.uniform(0, 1, (2, 2))
    for share in np.linspace(0, 1, frames):
        zoom = zooms[0] + (zooms[1] - zooms[0]) * share
        x, y = (centres[0] + (centres[1] - centres[0]) * share) * (1 - zoom) * photo.size
        box = (x, y, x + width * zoom, y + height * zoom)
        frame = np.asarray(photo.resize(SIZE, Image.Resampling.BILINEAR, box=box)) + rng.normal(
            0, NOISE, (*SIZE[::-1], 3)
        )
        yield frame.clip(0, 255).astype(np.uint8)


def main() -> None:
    """Print how many cuts are found to the frame and within one, and how many others are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="photos with captions, such as flickr8k")
    parser.add_argument("--photos", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fps", type=float, default=25.0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    photos = read(given.data).photos
    finder = CutFinder(given.fps, 1.0)
    found: list[int] = []
    begins: list[int] = []
    place = 0
    for index in rng.choice(len(photos), given.photos, replace=False):
        begins.append(place)
        for frame in shot(photos[index].path, int(rng.uniform(*SECONDS) * given.fps), rng):
            found += [cut.frame for cut in finder.add(frame, place / given.fps)]
            place += 1
    found += [cut.frame for cut in finder.finish()]
    cuts = begins[1:]
    near = sum(any(abs(cut - other) <= 1 for other in found) for cut in cuts)
    false = sum(not any(abs(cut - other) <= 1 for cut in cuts) for other in found)
    exact = len({*cuts} & {*found})
    print(f"{len(cuts)} cuts in {place} frames: {exact} found to the frame, {near} within one; {false} others")


if __name__ == "__main__":
    main()
