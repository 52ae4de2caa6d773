"""Fit the recogniser of pictures that are no photos, and measure it on photos and screenshots kept apart.

    python scripts/everyday/fit_no_photo.py --data DATA --icons /usr/share/icons --pages HTML --chromium chromium

``DATA`` has the folders ``flickr8k``, ``coco``, ``coco128``, ``camvid``, ``imagenet_samples`` and ``scene_text``. It
writes ``seetell/photos/no_photo.json``, and prints the share of the held-out pictures that it takes for no photos.
"""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from no_photo_pictures import drawn, kept, screenshots
from PIL import Image, ImageDraw, ImageFilter

from seetell.logistic import fit_logistic
from seetell.photos.no_photo import NAMES, inputs, statistics

OUTPUT = Path(__file__).parents[2] / "seetell" / "photos" / "no_photo.json"
SIDE = 256
REFUSED = 1 / 700
"""Share of the photos fitted on that may be refused."""

WEIGHT_DECAY = 1e-4


def photo_files(data: Path) -> tuple[list[Path], dict[str, list[Path]]]:
    """Return the photos to fit on, and those to measure on by the name of their set."""

    def flickr(split: str) -> list[Path]:
        names = (data / f"flickr8k/Flickr8k_text/Flickr_8k.{split}Images.txt").read_text().split()
        return [data / "flickr8k/Flicker8k_Dataset" / name for name in names]

    captions = json.loads((data / "coco/captions.json").read_text())
    counts = np.bincount([entry["image_id"] for entry in captions["annotations"]])
    photos = {image["id"]: data / "coco/photos" / image["file_name"] for image in captions["images"]}
    dev = [path for number, path in sorted(photos.items()) if counts[number] >= 5]

    def folder(*parts: str) -> list[Path]:
        files = data.joinpath(*parts).iterdir()
        return sorted(path for path in files if path.suffix.lower() in (".jpg", ".jpeg", ".png"))

    scenes = folder("scene_text")
    signs = [path for path in scenes if re.fullmatch(r"scenetext(\d+|_segmented_word\d+)\.jpg", path.name)]  # no crops
    fitted = [
        *flickr("train")[::2],
        *(path for number, path in sorted(photos.items()) if counts[number] < 5),
        *folder("coco", "unlabelled"),
        *folder("coco128", "images", "train2017"),
        *folder("camvid", "train")[::4],
        *folder("imagenet_samples")[::2],
        *signs[::2],
    ]
    measured = {
        "Flickr8k dev": flickr("dev"),
        "COCO, five captions": dev,
        "COCO val2017, larger": folder("coco128", "images", "val2017"),
        "CamVid val": folder("camvid", "val")[::2],
        "ImageNet": folder("imagenet_samples")[1::2],
        "signs": signs[1::2],
    }
    return fitted, measured


def hard(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Make a photo that is easily mistaken: at night, in snow, in fog, out of focus, black and white, before a wall."""
    pixels = np.asarray(photo, float)
    noise = rng.normal(0, 3, pixels.shape)
    way = int(rng.integers(7))
    if way == 0:
        photo = photo.convert("L").convert("RGB")
    elif way == 1:
        photo = _image(pixels * rng.uniform(0.08, 0.35) + noise)
    elif way == 2:
        photo = _image(pixels * rng.uniform(1.3, 2.2) + rng.uniform(0, 60))
    elif way == 3:
        photo = _image(pixels * rng.uniform(0.15, 0.4) + rng.uniform(120, 200))
    elif way == 4:
        photo = photo.filter(ImageFilter.GaussianBlur(float(rng.uniform(2, 8))))
    elif way == 5:
        photo = _before_a_wall(photo, rng)
    else:
        photo = photo.convert("L").convert("RGB").point(lambda value: max(0, min(255, int((value - 90) * 1.8))))
    return kept(photo, rng)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _before_a_wall(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Put a photo, cut to an oval, before a wall or a sky of nearly one colour."""
    width, height = photo.size
    colour = rng.integers(100, 256, 3)
    shade = np.linspace(-12, 12, 2 * height)[:, None, None]
    wall = _image(colour + shade + rng.normal(0, 1.2, (2 * height, 2 * width, 1)))
    oval = Image.new("L", photo.size, 0)
    ImageDraw.Draw(oval).ellipse((10, 10, width - 10, height - 10), fill=255)
    wall.paste(photo, (width // 2, height // 2), oval.filter(ImageFilter.GaussianBlur(4)))
    return wall


def opened(files: Iterable[Path]) -> Iterator[Image.Image]:
    """Open photos."""
    for file in files:
        yield Image.open(io.BytesIO(file.read_bytes())).convert("RGB")


def measure(pictures: Iterable[Image.Image]) -> np.ndarray:
    """Return the statistics of pictures, ``(N, F)``."""
    seen = (np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for picture in pictures)
    return np.array([statistics(np.ascontiguousarray(np.moveaxis(pixels, 2, 0))) for pixels in seen])


def fit(features: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Fit a logistic regression, both classes counting the same.

    Args:
        features: ``(N, D)``, the last of them 1.
        positive: ``(N,)`` bool.

    Returns:
        ``(D,)`` weights.
    """
    weight = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    decay = np.r_[np.full(features.shape[1] - 1, WEIGHT_DECAY), 0]
    return fit_logistic(features, positive, weight, decay)


def main() -> None:
    """Fit, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--icons", type=Path, required=True, help="a folder with PNG files of icons in it")
    parser.add_argument("--pages", type=Path, required=True, help="a folder with HTML files in it")
    parser.add_argument("--chromium", required=True, help="the browser's program")
    parser.add_argument("--drawn", type=int, default=3600)
    parser.add_argument("--shown", type=int, default=150)
    given = parser.parse_args()
    rng = np.random.default_rng(1)

    fitted, measured = photo_files(given.data)
    plain, distorted = measure(opened(fitted)), measure(hard(photo, rng) for photo in opened(fitted[::2]))
    sets = {name: measure(opened(files)) for name, files in measured.items()}
    sets["all of them, distorted"] = measure(hard(photo, rng) for files in measured.values() for photo in opened(files))
    icons = sorted(given.icons.rglob("*.png"))
    others = measure(picture for _, picture in drawn(given.drawn, rng, icons))

    photos = np.concatenate([plain, distorted])
    everything = np.concatenate([photos, others])
    mean, scale = everything.mean(axis=0), everything.std(axis=0) + 1e-9
    is_drawn = np.arange(len(everything)) >= len(photos)
    weights = fit(inputs(everything, mean, scale), is_drawn)
    weights[-1] -= np.quantile(inputs(plain, mean, scale) @ weights, 1 - REFUSED)
    content = {"statistics": NAMES, "mean": mean, "scale": scale, "weights": weights}
    fields = [f'"{name}": {json.dumps(_rounded(values))}' for name, values in content.items()]
    OUTPUT.write_text("{\n" + ",\n".join(fields) + "\n}\n")

    for name, found in sets.items():
        refused = inputs(found, mean, scale) @ weights > 0
        print(f"{name}: {refused.sum()} of {len(found):,} photos refused")
    pages = sorted(given.pages.rglob("*.html"))
    pages = [pages[number] for number in rng.choice(len(pages), given.shown, replace=False)]
    kinds: dict[str, list[np.ndarray]] = {}
    for kind, picture in screenshots(pages, given.chromium, rng):
        kinds.setdefault(kind, []).append(measure([kept(picture, rng)])[0])
    for kind, found in kinds.items():
        told = inputs(np.array(found), mean, scale) @ weights > 0
        print(f"screenshots of {kind}: {told.mean():.1%} of {len(found)} found")


def _rounded(values: object) -> list[object]:
    return [float(f"{value:.6g}") if isinstance(value, float) else value for value in np.array(values).tolist()]


if __name__ == "__main__":
    main()
