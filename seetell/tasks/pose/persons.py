"""The persons of a data set, each in an image of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.data.records import ObjectPhoto
from seetell.geometry.boxes import Box


@dataclass(frozen=True, eq=False)
class Person:
    """A person with joints.

    Attributes:
        id: of the photo.
        path: the photo.
        box: normalised to [0, 1].
        points: ``(K, 3)``, x and y normalised to [0, 1]; see :mod:`seetell.geometry.key_points`.
        split: of the photo.
    """

    id: int | str
    path: Path
    box: Box
    points: np.ndarray
    split: str


def persons_of(photos: Sequence[ObjectPhoto], label: str) -> list[Person]:
    """Return the objects of a class that have at least one marked point."""
    return [
        Person(photo.id, photo.path, box, details.points, photo.split)
        for photo in photos
        for box, name, details in zip(photo.boxes, photo.classes, photo.details, strict=True)
        if name == label and (details.points[:, 2:] > 0).any()
    ]


def framed(person: Person, size: tuple[int, int], *, margin: float) -> np.ndarray:
    """Return the part of a photo that shows a person, ``(4,)`` ``xyxy`` in its pixels.

    Args:
        person: whose.
        size: width and height of the photo.
        margin: that its box is enlarged by at each edge, in shares of its sides.
    """
    box = np.array(person.box) * np.tile(size, 2)
    grown = margin * np.tile(box[2:] - box[:2], 2) * [-1, -1, 1, 1]
    frame: np.ndarray = box + grown
    return frame


def cut_out(photo: Image.Image, frame: np.ndarray) -> Image.Image:
    """Return a part of a photo, black where it extends beyond it."""
    left, top, right, bottom = np.round(frame).astype(int).tolist()
    return photo.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def points_within(person: Person, size: tuple[int, int], frame: np.ndarray) -> np.ndarray:
    """Return a person's points relative to a frame, ``(K, 3)``: 0 in its middle, 1 its side.

    Args:
        person: whose.
        size: width and height of the photo.
        frame: ``(4,)`` in its pixels.
    """
    points = person.points.astype(np.float64).copy()
    middle, sides = (frame[:2] + frame[2:]) / 2, frame[2:] - frame[:2]
    points[:, :2] = (points[:, :2] * size - middle) / sides
    return points
