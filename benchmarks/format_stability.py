"""Whether a photo gets the same sentence whatever format it is saved in: prints one JSON line.

Each photo is decoded and saved as PNG, JPEG of two qualities, WebP and AVIF, and as PNG at half its width and height. A
photo is *stable* if all those files get one sentence. Copies that are captioned in one run get one caption;
``--each-alone`` tells how stable the model is by itself.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

import seetell


def saved_as(format: str, **options: object) -> Callable[[Image.Image], bytes]:
    """Return what saves a photo in a format, and returns the file's content."""

    def save(photo: Image.Image) -> bytes:
        file = io.BytesIO()
        photo.save(file, format, **options)
        return file.getvalue()

    return save


def _half(photo: Image.Image) -> bytes:
    size = max(1, photo.width // 2), max(1, photo.height // 2)
    return saved_as("PNG")(photo.resize(size, Image.Resampling.LANCZOS))


VARIANTS: dict[str, Callable[[Image.Image], bytes]] = {
    "png": saved_as("PNG"),
    "jpeg_90": saved_as("JPEG", quality=90),
    "jpeg_75": saved_as("JPEG", quality=75),
    "webp": saved_as("WEBP", quality=80),
    "avif": saved_as("AVIF", quality=75),
    "half": _half,
}
"""How each photo is saved, by name; the first is exact."""


def measure(
    captioner: seetell.Captioner, photos: Sequence[Path], *, each_alone: bool
) -> tuple[dict[str, float], list[list[str]]]:
    """Caption all variants of photos, each by itself or as copies of each other.

    Returns:
        The share of photos for which each variant gets the sentence of the exact one, ``all`` for all of them and
        ``formats`` for all at full size; and the sentences of each photo.
    """
    files = [save(seetell.open_photo(path)) for path in photos for save in VARIANTS.values()]
    said = [str(caption) for caption in captioner.caption_many(files, each_alone=each_alone)]
    rows = [said[first : first + len(VARIANTS)] for first in range(0, len(said), len(VARIANTS))]
    names = list(VARIANTS)
    shares = {name: _share([row[0] == row[place] for row in rows]) for place, name in enumerate(names) if place}
    full_size = [place for place, name in enumerate(names) if name != "half"]
    shares["formats"] = _share([len({row[place] for place in full_size}) == 1 for row in rows])
    shares["all"] = _share([len(set(row)) == 1 for row in rows])
    return shares, rows


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / max(1, len(hits)), 3)


def main() -> None:
    """Measure each folder and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of JPEG photos, each measured by itself")
    parser.add_argument("--list", type=Path, help="take only photos whose file names this file has, one a line")
    parser.add_argument("--count", type=int, default=50, help="photos of each folder, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="caption")
    parser.add_argument("--precision")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--each-alone", action="store_true", help="caption each file without knowing of the others")
    parser.add_argument("--show", action="store_true", help="print the sentences of photos that are not stable")
    arguments = parser.parse_args()
    captioner = seetell.load(arguments.model, precision=arguments.precision, threads=arguments.threads)
    listed = set(arguments.list.read_text().split()) if arguments.list else None
    report: dict[str, object] = {
        "model": captioner.name,
        "precision": arguments.precision,
        "each_alone": arguments.each_alone,
    }
    for folder in arguments.folders:
        found = sorted(path for path in folder.glob("*.jpg") if listed is None or path.name in listed)
        photos = random.Random(arguments.seed).sample(found, min(arguments.count, len(found)))
        started = time.perf_counter()
        shares, rows = measure(captioner, photos, each_alone=arguments.each_alone)
        report[str(folder)] = {"photos": len(photos), **shares, "seconds": round(time.perf_counter() - started, 1)}
        for path, row in zip(photos, rows, strict=True):
            if arguments.show and len(set(row)) > 1:
                print(path.name, *(f"{name}: {text}" for name, text in zip(VARIANTS, row, strict=True)), sep="\n  ")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
