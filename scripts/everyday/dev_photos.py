"""The photos that are held out of training, and what is false in a sentence about one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from support import absent_classes, unsupported_things

from seetell.data.flickr import read as read_flickr
from seetell.data.source import Source
from seetell.data.yolo import read_yolo
from seetell.language.tokenizer import tokenize
from seetell.tasks.captioning.confidence import things_named

FIVE = 5
"""COCO's photos with so many captions are held out; the others have one."""


@dataclass(frozen=True)
class DevPhoto:
    """A dev photo and the truth about it.

    Attributes:
        path: the file.
        everyday: whether it is of COCO.
        references: its captions.
        boxed: the classes that have a box; ``None`` where there are no boxes.
    """

    path: Path
    everyday: bool
    references: tuple[str, ...]
    boxed: frozenset[str] | None


def captioned_photos(coco: Path) -> list[tuple[int, Path, tuple[str, ...]]]:
    """Return number, file and captions of COCO's photos with captions, by number.

    Args:
        coco: the folder with ``captions.json`` and ``photos``.
    """
    content = json.loads((coco / "captions.json").read_text(encoding="utf-8"))
    captions = defaultdict(list)
    for annotation in content["annotations"]:
        captions[annotation["image_id"]].append(annotation["caption"])
    images = sorted(content["images"], key=lambda image: image["id"])
    return [(image["id"], coco / "photos" / image["file_name"], tuple(captions[image["id"]])) for image in images]


def dev_photos(data: Path) -> list[DevPhoto]:
    """Return the dev photos of COCO, those of val2017 at their larger size and with boxes, and of Flickr8k.

    Args:
        data: the folder with ``coco``, ``coco128`` and ``flickr8k``.
    """
    boxed = {photo.path.stem: photo for photo in read_yolo(data / "coco128" / "object_detection").split("val")}
    found = []
    for number, path, captions in captioned_photos(data / "coco"):
        if len(captions) >= FIVE:
            larger = boxed.get(f"{number:012}")
            photo = DevPhoto(path, True, captions, None)
            found.append(photo if larger is None else replace(photo, path=larger.path, boxed=frozenset(larger.classes)))
    flickr = {photo.path.name: photo for photo in read_flickr(Source(data / "flickr8k")).split("val")}
    listed = (data / "flickr8k/Flickr8k_text/Flickr_8k.devImages.txt").read_text().split()
    return found + [DevPhoto(flickr[name].path, False, tuple(flickr[name].captions), None) for name in listed]


def false_things(text: str, photo: DevPhoto, things: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the classes that a text names and that are absent, and its other things that nothing supports."""
    tokens = tokenize(text)
    absent = absent_classes(tokens, photo.references, photo.boxed or ())
    return absent, unsupported_things(things_named(tokens, things), photo.references)
