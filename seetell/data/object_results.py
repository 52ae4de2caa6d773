"""Write detected objects in the formats of others: COCO's results, and labels as YOLO's tools read them.

See :mod:`seetell.data.voc` for Pascal VOC's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from seetell.language.object_names import CLASSES
from seetell.results import Masks, Regions

_LEFT_OUT = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
"""Numbers from 1 to 90 that none of COCO's 80 classes has."""

COCO_NUMBERS = dict(zip(CLASSES, (number for number in range(1, 91) if number not in _LEFT_OUT), strict=True))
"""The ``category_id`` of each of COCO's classes."""

_COCO_NAME = re.compile(r"(?:COCO_[a-z]+\d{4}_)?0*(\d{1,15})")


def coco_results(photos: Iterable[tuple[str, Regions | Masks]], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the objects of photos as COCO's evaluation reads them.

    Args:
        photos: file name and result of each photo. Its ``image_id`` is the number that its name is, as in COCO
            (``000000000139.jpg``, ``COCO_val2014_000000000139.jpg``), otherwise the name without ending.
        classes: all that the model knows, in its order; those that it tells besides are added. Where all are COCO's,
            their numbers are; otherwise they count from 1.

    Returns:
        An object for each: ``image_id``, ``category_id``, ``bbox`` (left, top, width and height) and ``score``; of
        masks ``segmentation`` as well.
    """
    found = [(image_id(name), item) for name, result in photos for item in result.to_dict()[result.shape]]
    names = [*dict.fromkeys([*classes, *(item["text"] for _, item in found)])]
    numbers = COCO_NUMBERS if COCO_NUMBERS.keys() >= set(names) else {name: at for at, name in enumerate(names, 1)}
    return [
        {
            "image_id": image,
            "category_id": numbers[item["text"]],
            "bbox": _corner_and_sides(item["box"]),
            "score": item["score"],
            **({"segmentation": item["rle"]} if "rle" in item else {}),
        }
        for image, item in found
    ]


def image_id(name: str) -> int | str:
    """Return what COCO's results call an image: the number that its name is, otherwise the name without ending.

    Args:
        name: of the file, perhaps with its folder.
    """
    stem = PurePath(name).stem
    number = _COCO_NAME.fullmatch(stem)
    return int(number[1]) if number else stem


def _corner_and_sides(box: Sequence[float]) -> list[float]:
    left, top, right, bottom = box
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def yolo_labels(regions: Regions, classes: Sequence[str]) -> str:
    """Return the label file of a photo: for each object its class's number, and its normalised centre and sides.

    Args:
        regions: the objects of the photo.
        classes: by number; all that the regions name are among them.
    """
    width, height = regions.size
    numbers = {name: number for number, name in enumerate(classes)}
    lines = []
    for region in regions:
        left, top, right, bottom = region.box
        middle, sides = ((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top)
        shares = (middle[0] / width, middle[1] / height, sides[0] / width, sides[1] / height)
        lines.append(" ".join([str(numbers[region.text]), *(f"{share:.6f}" for share in shares)]))
    return "".join(f"{line}\n" for line in lines)
