from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from seetell.drawing.coloured_text import (
    CELL,
    COLUMNS,
    LEAST_COLUMNS,
    MARGIN,
    NEGATIVE,
    PAPER,
    POSITIVE,
    Panel,
    colour_of,
    coloured_svg,
    draw_coloured,
)


def test_colours():
    assert (colour_of(1), colour_of(-1), colour_of(0)) == (POSITIVE, NEGATIVE, PAPER)
    assert colour_of(-0.5) == tuple(round(255 + 0.5 * (end - 255)) for end in NEGATIVE)


def test_characters_stand_in_cells_of_their_colours():
    picture = draw_coloured([Panel("one", "a \nb", np.array([1.0, -1.0, 0.5, 0.0])), Panel("two", "c", np.zeros(1))])

    def corner(row: int, column: int) -> tuple[int, ...]:
        return picture.getpixel((MARGIN + column * CELL[0], 2 * MARGIN + (row + 1) * CELL[1]))

    assert [corner(0, 0), corner(0, 1), corner(0, 2), corner(1, 0)] == [POSITIVE, NEGATIVE, colour_of(0.5), PAPER]
    assert picture.size == (2 * MARGIN + LEAST_COLUMNS * CELL[0], 5 * MARGIN + 5 * CELL[1])


def test_long_lines_are_broken():
    text = "x" * (COLUMNS + 1) + "\n" + "y" * COLUMNS + "\nz"
    root = ElementTree.fromstring(coloured_svg([Panel("", text, np.zeros(len(text)))]))
    heights = {element.text: element.get("y") for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert int(heights["z"]) - int(heights["y"]) == CELL[1]
    assert int(heights["y"]) - int(heights["x"]) == CELL[1]  # the last of three lines
    assert int(root.get("width")) == 2 * MARGIN + (COLUMNS + 1) * CELL[0]  # the end of a line is a cell, too


def test_svg_takes_any_text():
    text = "<&\x1b\"'é"
    root = ElementTree.fromstring(coloured_svg([Panel("<a>", text, np.ones(len(text)))]))
    shown = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert shown == ["<a>", "<", "&", "\ufffd", '"', "'", "é"]
