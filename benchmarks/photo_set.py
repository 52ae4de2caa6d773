"""Photos to measure with: distinct 640×427 JPEG files cut from real photos, the same in every run."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

SIZE = (640, 427)
QUALITY = 90


def write_photos(sources: Path, folder: Path, count: int) -> list[Path]:
    """Cut photos of one size from a folder of photos.

    Args:
        sources: folder of JPEG files.
        folder: output folder.
        count: number of photos; sources are used in turn, each time cut further to the side, every other time mirrored.

    Returns:
        The files written.
    """
    originals = sorted(sources.glob("*.jpg"))
    if not originals:
        raise SystemExit(f"{sources}: expected JPEG files, found none")
    paths = []
    for number in range(count):
        turn, which = divmod(number, len(originals))
        with Image.open(originals[which]) as photo:
            side = (0.5 + 0.17 * turn) % 1
            cut = ImageOps.fit(
                photo.convert("RGB"), SIZE, Image.Resampling.BICUBIC, bleed=0.02 * side, centering=(side, 0.5)
            )
        path = folder / f"{number:04d}.jpg"
        (ImageOps.mirror(cut) if turn % 2 else cut).save(path, quality=QUALITY)
        paths.append(path)
    return paths
