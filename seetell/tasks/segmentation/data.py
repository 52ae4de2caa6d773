"""Images with label maps: a picture of the same size for each, whose values or colours say what each pixel shows.

``train/0.jpg`` belongs to ``trainannot/0.png``, as in CamVid's copy of SegNet, and ``images/0.jpg`` to ``masks/0.png``
(or ``labels``, or ``annotations``), where a hash of the path decides the split. The values of a label map with a
palette or in grey are the numbers of classes, from 0; the colours of one in colour are those of ``classes.txt``, which
has a line for each class: its name, or its red, green and blue and its name. Values without a class, colours without
one, and classes named ``void``, ``unlabelled`` or ``ignore`` are not learnt and not counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.data.records import PhotoDataset, Problem
from seetell.data.splits import FEWEST_TO_DIVIDE, assign_splits, split_named
from seetell.errors import DataError, PhotoError, unknown
from seetell.photos.decoder_errors import photo_errors
from seetell.photos.formats import is_photo_name
from seetell.photos.opening import MAX_PIXELS

FORMAT = "label-maps"
CLASSES = "classes.txt"
VOID = 255
"""Value of pixels that are not counted."""

_VOID_NAMES = {"void", "unlabelled", "unlabeled", "ignore"}
_MASKS = ("masks", "labels", "annotations")
_ANNOTATIONS = "annot"
_LABEL_FORMATS = ("PNG", "BMP", "GIF", "TIFF", "PPM")


@dataclass(frozen=True)
class ClassColours:
    """What the pixels of label maps stand for.

    Attributes:
        labels: the classes that are learnt, in their order.
        numbers: for each class of the data set, void ones included, its place among ``labels``, or ``VOID``.
        colours: of each class of the data set; empty where it has none.
    """

    labels: tuple[str, ...]
    numbers: tuple[int, ...]
    colours: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], colours: Sequence[tuple[int, int, int]] = ()) -> ClassColours:
        """Return the classes of some names, without those that mean none."""
        labels = tuple(name for name in names if name.lower() not in _VOID_NAMES)
        return cls(labels, tuple(labels.index(name) if name in labels else VOID for name in names), tuple(colours))


@dataclass(frozen=True)
class LabelledImage:
    """An image with a label map.

    Attributes:
        id: its path in the data set.
        path: the image.
        label_map: the file of its label map.
        split: ``train``, ``val`` or ``test``.
    """

    id: str
    path: Path
    label_map: Path
    split: str


@dataclass(frozen=True)
class LabelMapDataset(PhotoDataset[LabelledImage]):
    """Images with label maps.

    Attributes:
        classes: what their pixels stand for.
    """

    classes: ClassColours = ClassColours((), ())


def read_label_maps(
    folder: str | Path, *, labels: Sequence[str] = (), format: str | None = None, split_seed: int = 0
) -> LabelMapDataset:
    """Read a folder of images and label maps.

    Args:
        folder: see the module.
        labels: the classes, where the folder has no ``classes.txt``; with one, those of it that are learnt, in another
            order perhaps.
        format: ``label-maps``, or nothing.
        split_seed: another seed divides images without splits differently.

    Raises:
        DataError: there is no such folder, it has no such pairs, or ``classes.txt`` is wrong.
    """
    source = Path(folder)
    if format not in (None, FORMAT):
        raise DataError(f"{source}: {unknown('format', format, [FORMAT])}")
    if not source.is_dir():
        raise DataError(f"{source}: expected a folder of images and label maps")
    problems: list[Problem] = []
    pairs = _paired_folders(source)
    found: list[tuple[Path, Path, str | None]] = []
    for images, maps, split in pairs:
        by_stem = {file.stem: file for file in sorted(maps.iterdir()) if file.is_file() and is_photo_name(file.name)}
        for image in sorted(file for file in images.iterdir() if file.is_file() and is_photo_name(file.name)):
            if image.stem in by_stem:
                found.append((image, by_stem[image.stem], split))
            else:
                name = str(image.relative_to(source))
                problems.append(Problem("missing-annotation", name, f"has no label map in {maps.name}; skipped"))
    if not found:
        raise DataError(
            f"{source}: expected images and label maps in train/ and trainannot/, or in images/ and masks/, with the "
            "same names; found none"
        )
    splits: Sequence[str] = [split or "" for _, _, split in found]
    names = [image.relative_to(source).as_posix() for image, _, _ in found]
    notes: tuple[str, ...] = ()
    if not all(splits):
        splits = assign_splits(names, seed=split_seed)
        notes = ("no folders called train, val and test: images were divided into splits 8 : 1 : 1",)
    read = tuple(
        LabelledImage(name, image, label_map, split)
        for name, (image, label_map, _), split in zip(names, found, splits, strict=True)
    )
    single = bool(notes) and len(read) < FEWEST_TO_DIVIDE
    return LabelMapDataset(
        source.name, source, read, tuple(problems), notes, single, "label maps", _classes(source, labels)
    )


def read_label_map(image: LabelledImage, classes: ClassColours, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """Open the label map of an image.

    Args:
        image: whose.
        classes: of the data set.
        size: width and height to resize it to, each pixel taking the value of the nearest.

    Returns:
        ``(H, W)`` uint8: the place of each pixel's class among ``classes.labels``, or ``VOID``.

    Raises:
        PhotoError: it cannot be opened, or it is in colour and the classes have no colours.
    """
    name = str(image.label_map)
    with photo_errors(name):
        with Image.open(image.label_map, formats=_LABEL_FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise PhotoError(f"has {opened.width} × {opened.height} pixels; expected a label map")
            coloured = opened.mode in ("RGB", "RGBA", "CMYK", "YCbCr")
            picture = opened.convert("RGB") if coloured else opened.copy()
        if size is not None and picture.size != size:
            picture = picture.resize(size, Image.Resampling.NEAREST)
        values = np.asarray(picture)
        if not coloured:
            return _numbered(values.astype(np.int64), classes)
        if not classes.colours:
            raise PhotoError(f"is in colour; name the colours of the classes in {CLASSES}, beside the folders")
        return _coloured(values, classes)


def _numbered(values: np.ndarray, classes: ClassColours) -> np.ndarray:
    table = np.full(len(classes.numbers) + 1, VOID, np.uint8)
    table[:-1] = classes.numbers
    known = (values >= 0) & (values < len(classes.numbers))
    return table[np.where(known, values, len(classes.numbers))]


def _coloured(values: np.ndarray, classes: ClassColours) -> np.ndarray:
    places = np.array([1 << 16, 1 << 8, 1])
    codes = np.array(classes.colours) @ places
    order = np.argsort(codes)
    pixels = values.astype(np.int64) @ places
    nearest = order[np.searchsorted(codes, pixels, sorter=order).clip(max=len(codes) - 1)]
    labels: np.ndarray = np.where(codes[nearest] == pixels, np.array(classes.numbers)[nearest], VOID)
    return labels.astype(np.uint8)


def _paired_folders(source: Path) -> list[tuple[Path, Path, str | None]]:
    """Return the folders of images and of their label maps, with the split that they state."""
    folders = {entry.name: Path(entry.path) for entry in os.scandir(source) if entry.is_dir()}
    stated = [
        (path, folders[name + _ANNOTATIONS], split)
        for name, path in sorted(folders.items())
        if (split := split_named(name)) is not None and name + _ANNOTATIONS in folders
    ]
    if stated:
        return list(stated)
    masks = next((folders[name] for name in _MASKS if name in folders), None)
    return [(folders["images"], masks, None)] if "images" in folders and masks is not None else []


def _classes(source: Path, labels: Sequence[str]) -> ClassColours:
    """Return the classes of ``classes.txt``, numbered as in ``labels``, or those of ``labels`` themselves."""
    file = source / CLASSES
    if not file.is_file():
        return ClassColours.of(labels)
    names, colours = [], []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        colour = [int(word) for word in words[:3] if word.isascii() and word.isdigit()]
        if len(words) > 3 and len(colour) == 3:
            if max(colour) > 255:
                raise DataError(
                    f"{file}, line {number}: expected red, green and blue from 0 to 255, got {line.strip()}"
                )
            colours.append((colour[0], colour[1], colour[2]))
            words = words[3:]
        names.append(" ".join(words))
    if len(set(names)) < len(names):
        raise DataError(f"{file}: a class is named twice")
    if colours and len(colours) < len(names):
        raise DataError(f"{file}: expected a colour for every class or for none, got {len(colours)} for {len(names)}")
    own = ClassColours.of(names, colours)
    if not labels:
        return own
    lacking = [label for label in own.labels if label not in labels]
    if lacking:
        raise DataError(f"{file}: has classes that the model has not: {', '.join(lacking)}")
    numbers = tuple(labels.index(name) if name in labels else VOID for name in names)
    return ClassColours(tuple(labels), numbers, own.colours)
