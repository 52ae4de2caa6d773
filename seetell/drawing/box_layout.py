"""Lay out boxes over a photo: each in its own colour, lines side by side, numbers where none hides another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.geometry.boxes import Box

COLOURS = (
    (255, 214, 51),
    (79, 195, 255),
    (255, 122, 190),
    (104, 216, 104),
    (190, 150, 255),
    (255, 156, 64),
    (64, 224, 208),
)
"""Light ones, on which dark text is readable, in an order that keeps neighbours apart; reused if there are more boxes,
which have numbers as well."""

LINE = 4
"""Line width of a box, in pixels of the picture."""
EDGING = 2
"""Width of the dark lines on both sides of it, which make it visible on light ground."""
BADGE = 26
"""Side of the square that contains a box's number."""


@dataclass(frozen=True)
class NumberedBox:
    """A box as it is drawn.

    Attributes:
        number: from 1.
        colour: red, green and blue.
        box: left, top, right and bottom in pixels of the picture, moved inwards where it would hide another's line.
        badge: left and top of the square with its number.
    """

    number: int
    colour: tuple[int, int, int]
    box: Box
    badge: tuple[float, float]


def numbered_boxes(boxes: Sequence[Box], size: tuple[int, int], picture: tuple[float, float]) -> list[NumberedBox]:
    """Lay out boxes over a photo, numbered in their order.

    Args:
        boxes: in pixels of the photo.
        size: its width and height.
        picture: width and height of the photo as it is drawn.
    """
    scale = np.tile(np.array(picture) / size, 2)
    placed = [np.array(box) * scale for box in boxes]
    insets = (LINE + EDGING) * np.array(_lanes(placed))
    drawn: list[NumberedBox] = []
    taken: list[tuple[float, float]] = []
    for number, (box, inset) in enumerate(zip(placed, insets, strict=True)):
        middle = np.tile((box[:2] + box[2:]) / 2, 2)
        sides = np.array([-1, -1, 1, 1])
        moved = np.where((box - middle) * sides > inset + LINE, box - inset * sides, box)
        place = _free(moved, taken, picture)
        taken.append(place)
        drawn.append(NumberedBox(number + 1, COLOURS[number % len(COLOURS)], tuple(moved.tolist()), place))
    return drawn


def _lanes(boxes: Sequence[np.ndarray]) -> list[int]:
    """Assign lanes, counted inwards, so that boxes with edges along each other have different ones; the fewest."""
    lanes: list[int] = []
    for number, box in enumerate(boxes):
        beside = {lanes[other] for other in range(number) if _share_a_line(box, boxes[other])}
        lanes.append(next(lane for lane in itertools.count() if lane not in beside))
    return lanes


def _share_a_line(one: np.ndarray, other: np.ndarray) -> bool:
    close = np.abs(one - other) < LINE + 2 * EDGING
    overlaps = np.minimum(one[2:], other[2:]) > np.maximum(one[:2], other[:2])  # across, down
    return bool((overlaps[1] and (close[0] or close[2])) or (overlaps[0] and (close[1] or close[3])))


def _free(box: np.ndarray, taken: Sequence[tuple[float, float]], picture: tuple[float, float]) -> tuple[float, float]:
    """Find a place for a number: a corner of its box, or further along its edges, that no other number occupies."""
    places = list(_places(box, picture))
    for left, top in places:
        if all(abs(left - x) >= BADGE or abs(top - y) >= BADGE for x, y in taken):
            return left, top
    return places[0]


def _places(box: np.ndarray, picture: tuple[float, float]) -> Iterator[tuple[float, float]]:
    left, top, right, bottom = box.tolist()
    for step in range(1 + int(max(0.0, right - left) // BADGE)):
        for y in (top, bottom - BADGE):
            for x in (left + step * BADGE, right - (step + 1) * BADGE):
                yield min(max(x, 0.0), picture[0] - BADGE), min(max(y, 0.0), picture[1] - BADGE)
