"""Boxes of objects in Pascal VOC's format: an XML file for each photo (Everingham et al., IJCV 2010).

A data set has the folders ``Annotations`` (``ID.xml``), ``JPEGImages`` and ``ImageSets/Main``, whose ``train.txt``,
``val.txt`` and ``test.txt`` list the ids of each split. Boxes count pixels from 1 and include the last: the edges
between pixels are ``(xmin - 1, ymin - 1, xmax, ymax)``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from seetell.data.archive import small_files
from seetell.data.photo_folders import PhotoFolders
from seetell.data.records import SPLITS, ObjectDataset, ObjectPhoto, Problem
from seetell.data.source import read_text
from seetell.errors import DataError
from seetell.geometry.boxes import Box
from seetell.results import Region

TITLE = "Pascal VOC"

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_SIDE = 10**6


@dataclass(frozen=True)
class AnnotatedObject:
    """An object of a photo.

    Attributes:
        name: of its class.
        box: ``xyxy`` in pixels, within the photo and with an area.
        difficult: it is not to be counted when detectors are measured.
        score: a detector's confidence, where one wrote the file.
    """

    name: str
    box: Box
    difficult: bool = False
    score: float | None = None


@dataclass(frozen=True)
class Annotation:
    """What an XML file tells of a photo.

    Attributes:
        file_name: the photo's.
        size: its width and height in pixels.
        objects: in the order of the file.
    """

    file_name: str
    size: tuple[int, int]
    objects: tuple[AnnotatedObject, ...]


def annotation_xml(file_name: str, size: tuple[int, int], regions: Iterable[Region], *, folder: str = "") -> bytes:
    """Return the XML file of a photo's objects.

    Edges are rounded to whole pixels, since most readers take no others; a box keeps at least one pixel.

    Args:
        file_name: of the photo.
        size: its width and height.
        regions: the objects; the text of each is the name of its class.
        folder: that the photo is in.
    """
    width, height = size
    lines = [
        "<annotation>",
        f"\t<folder>{_text(folder)}</folder>",
        f"\t<filename>{_text(file_name)}</filename>",
        "\t<source>\n\t\t<database>Unknown</database>\n\t</source>",
        f"\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n\t\t<depth>3</depth>\n\t</size>",
        "\t<segmented>0</segmented>",
    ]
    for region in regions:
        left, top, right, bottom = (round(edge) for edge in region.box)
        left, top = min(left, width - 1), min(top, height - 1)
        edges = left + 1, top + 1, max(right, left + 1), max(bottom, top + 1)
        box = "".join(f"\n\t\t\t<{side}>{edge}</{side}>" for side, edge in zip(_SIDES, edges, strict=True))
        lines.append(
            f"\t<object>\n\t\t<name>{_text(region.text)}</name>\n\t\t<pose>Unspecified</pose>\n"
            f"\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<score>{region.score:.6f}</score>\n"
            f"\t\t<bndbox>{box}\n\t\t</bndbox>\n\t</object>"
        )
    return "\n".join([*lines, "</annotation>", ""]).encode()


def _text(text: str) -> str:
    return escape(_NOT_IN_XML.sub("\ufffd", text))


def parse_xml(raw: bytes) -> ElementTree.Element:
    """Parse an XML file of a data set as UTF-8, whatever encoding it declares.

    A document type, with which a hostile file could declare entities, is refused before parsing.

    Raises:
        ValueError: it has one, or is no XML; the message says so.
    """
    if b"<!DOCTYPE" in raw:
        raise ValueError("has a document type, which is not allowed")
    try:
        return ElementTree.fromstring(raw, ElementTree.XMLParser(encoding="utf-8"))
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"expected XML, but {error}") from error


def parse_annotation(raw: bytes, file: str) -> tuple[Annotation | None, list[Problem]]:
    """Parse the XML file of a photo.

    Args:
        raw: its content.
        file: its name, for messages.

    Returns:
        What it tells, with boxes clipped to the photo, or ``None`` if it cannot be used; and the problems.
    """
    try:
        root = parse_xml(raw)
    except ValueError as error:
        return None, [Problem("malformed", file, f"{error}; skipped")]
    width, height = (_number(root.findtext(f"size/{side}")) for side in ("width", "height"))
    if not width or not height or not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
        return None, [Problem("malformed", file, "does not state the photo's size; skipped")]
    size, problems, objects = (int(width), int(height)), list[Problem](), list[AnnotatedObject]()
    for number, item in enumerate(root.findall("object"), 1):
        where, name = f"{file}: object {number}", (item.findtext("name") or "").strip()
        if not name:
            problems.append(Problem("malformed", where, "has no name; skipped"))
            continue
        box = _box(item, size, where, problems)
        if box is not None:
            difficult = (item.findtext("difficult") or "").strip() == "1"
            objects.append(AnnotatedObject(name, box, difficult, _number(item.findtext("score"))))
    return Annotation((root.findtext("filename") or "").strip(), size, tuple(objects)), problems


def _box(item: ElementTree.Element, size: tuple[int, int], where: str, problems: list[Problem]) -> Box | None:
    given = [item.findtext(f"bndbox/{side}") for side in _SIDES]
    left, top, right, bottom = map(_number, given)
    if left is None or top is None or right is None or bottom is None or left > right or top > bottom:
        shown = ", ".join("nothing" if side is None else repr(side[:20]) for side in given)
        problems.append(Problem("malformed", where, f"expected {', '.join(_SIDES)} in order, got {shown}; skipped"))
        return None
    box = max(left - 1, 0.0), max(top - 1, 0.0), min(right, float(size[0])), min(bottom, float(size[1]))
    if box[0] < box[2] and box[1] < box[3]:
        return box
    problems.append(Problem("box-without-area", where, "has no area within the photo; skipped"))
    return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_voc(path: str | Path, *, photos: str | Path | None = None) -> ObjectDataset:
    """Read a data set in Pascal VOC's format.

    Args:
        path: a folder with ``Annotations``, or a folder of XML files.
        photos: the folder of the photos; ``JPEGImages``, or beside the XML files, when absent.

    Returns:
        The photos whose files are there. Difficult objects are left out, as a note tells. A photo that no list of a
        split names is to train on.

    Raises:
        DataError: there is no such data set, or none of its photos.
    """
    path = Path(path)
    annotations = path / "Annotations" if (path / "Annotations").is_dir() else path
    if not annotations.is_dir():
        raise DataError(f"{path}: expected {TITLE}, a folder with 'Annotations' or with XML files, and it is none")
    folders = PhotoFolders(
        [Path(photos)] if photos is not None else [path / "JPEGImages", path / "images", annotations]
    )
    splits, problems = _splits(path / "ImageSets" / "Main"), list[Problem]()
    records, difficult = list[ObjectPhoto](), 0
    for stem, raw in small_files(annotations, ".xml", problems):
        annotation, found = parse_annotation(raw, f"{stem}.xml")
        problems += found
        if annotation is None:
            continue
        photo = folders.find(PurePosixPath(annotation.file_name.replace("\\", "/")).name or f"{stem}.jpg")
        if photo is None:
            problems.append(Problem("missing-photo", f"{stem}.xml", f"{annotation.file_name}: not found; skipped"))
            continue
        kept = [each for each in annotation.objects if not each.difficult]
        difficult += len(annotation.objects) - len(kept)
        width, height = annotation.size
        edges = (each.box for each in kept)
        boxes = tuple((x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in edges)
        names = tuple(each.name for each in kept)
        records.append(ObjectPhoto(photo.name, photo, boxes, names, splits.get(stem, "train")))
    if not records:
        raise DataError(f"{path}: read as {TITLE}, but none of its photos is there; give their folder as --photos")
    notes = (f"{difficult:,} difficult objects are left out",) if difficult else ()
    classes = tuple(sorted({name for record in records for name in record.classes}))
    return ObjectDataset(path.name, path, tuple(records), tuple(problems), notes, format=TITLE, classes=classes)


def _splits(folder: Path) -> Mapping[str, str]:
    """Return the split of each id that the lists of a data set name; ``trainval.txt`` adds nothing."""
    splits: dict[str, str] = {}
    for split in SPLITS:
        file = folder / f"{split}.txt"
        if file.is_file():
            splits |= {line.split()[0]: split for line in read_text(file)[0].splitlines() if line.strip()}
    return splits
