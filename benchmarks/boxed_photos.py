"""The photos that two benchmarks look at: everyday ones with captions and, of COCO's val2017, with boxes."""

from __future__ import annotations

import argparse
from pathlib import Path

from seetell.data.records import ObjectPhoto
from seetell.data.yolo import read_yolo


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of where the photos are, and of the captioner."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captioned", type=Path, help="photos with captions")
    parser.add_argument(
        "boxed", type=Path, help="photos with boxes, in YOLO's format; files are named by COCO's numbers"
    )
    parser.add_argument("--captioner", default="caption")
    return parser


def boxed_photos(path: Path) -> dict[int, ObjectPhoto]:
    """Return the photos of val2017 that have boxes, by COCO's numbers."""
    return {int(photo.path.stem): photo for photo in read_yolo(path).photos if photo.split == "val"}
