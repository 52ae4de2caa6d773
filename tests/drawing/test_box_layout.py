from __future__ import annotations

import itertools

import numpy as np
import pytest

from seetell.drawing.boxes import BADGE, COLOURS, EDGING, LINE, NumberedBox, numbered_boxes
from seetell.results import Alignment, Region

STEP = LINE + EDGING


def aligned(*boxes: tuple[float, float, float, float], size=(200, 100)) -> Alignment:
    segments = tuple(Region(f"word {number}", box, 1.0) for number, box in enumerate(boxes))
    return Alignment("a sentence", segments, 2.0, size, "tiny")


def laid_out(alignment: Alignment, picture: tuple[float, float]) -> list[NumberedBox]:
    return numbered_boxes([region.box for region in alignment.regions], alignment.size, picture)


def test_boxes_are_scaled_to_the_picture():
    (drawn,) = laid_out(aligned((20, 10, 100, 90)), (800, 400))
    assert drawn.box == (80, 40, 400, 360)
    assert drawn.badge == (80, 40)
    assert (drawn.number, drawn.colour) == (1, COLOURS[0])


def test_a_box_on_anothers_line_is_moved_inwards():
    first, second, third = laid_out(aligned(*[(20, 10, 100, 90)] * 3), (800, 400))
    assert first.box == (80, 40, 400, 360)
    assert second.box == (80 + STEP, 40 + STEP, 400 - STEP, 360 - STEP)
    assert third.box == (80 + 2 * STEP, 40 + 2 * STEP, 400 - 2 * STEP, 360 - 2 * STEP)


def test_one_edge_in_common_is_enough_but_not_beyond_its_ends():
    _, beside, below = laid_out(aligned((0, 0, 80, 40), (60, 0, 160, 60), (0, 70, 40, 90)), (800, 400))
    assert beside.box == (240 + STEP, STEP, 640 - STEP, 240 - STEP)
    assert below.box == (0, 280, 160, 360)


def test_a_tiny_box_is_not_turned_inside_out():
    for drawn in laid_out(aligned(*[(20, 10, 20.5, 10.5)] * 4), (800, 400)):
        left, top, right, bottom = drawn.box
        assert right >= left
        assert bottom >= top


@pytest.mark.parametrize("count", [2, 4, 8])
def test_numbers_do_not_lie_on_each_other_nor_outside(count: int):
    drawn = laid_out(aligned(*[(100, 50, 200, 100)] * count), (800, 400))
    for one, other in itertools.combinations(drawn, 2):
        assert max(abs(np.subtract(one.badge, other.badge))) >= BADGE
    assert all(0 <= x <= 800 - BADGE and 0 <= y <= 400 - BADGE for x, y in (each.badge for each in drawn))


def test_neighbours_differ_in_colour():
    drawn = laid_out(aligned(*[(10, 10, 60, 60)] * 10), (800, 400))
    assert all(one.colour != other.colour for one, other in itertools.pairwise(drawn))
    assert [each.number for each in drawn] == list(range(1, 11))


@pytest.mark.parametrize("colour", COLOURS)
def test_dark_letters_can_be_read_on_every_colour(colour: tuple[int, int, int]):
    """Contrast as in WCAG 2, at least its 7 : 1."""
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = np.dot(linear, (0.2126, 0.7152, 0.0722))
    assert (luminance + 0.05) / (0.01 + 0.05) > 7
