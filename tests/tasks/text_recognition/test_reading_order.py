"""The order of reading, for pages laid out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.text_recognition.reading_order import reading_order


def line(left: float, top: float, width: float = 100, height: float = 10) -> tuple[float, float, float, float]:
    return left, top, left + width, top + height


PAGES = {
    "one column": [line(0, 0), line(0, 15), line(0, 30)],
    "two columns, whose lines are beside each other": [
        *(line(0, 15 * row) for row in range(4)),
        *(line(130, 15 * row) for row in range(4)),
    ],
    "a heading over two columns": [
        line(0, 0, 230, 20),
        *(line(0, 50 + 15 * row) for row in range(3)),
        *(line(130, 50 + 15 * row) for row in range(3)),
    ],
    "words of two lines": [line(0, 0, 30), line(35, 2, 30), line(70, -1, 30), line(0, 15, 30), line(35, 16, 30)],
    "words of lines that overlap a little": [line(0, 0, 30, 14), line(35, 1, 30, 14), line(0, 12, 30, 14)],
    "a table whose cells are far apart is read by its columns": [line(0, 0), line(0, 15), line(300, 0), line(300, 15)],
}


@pytest.mark.parametrize("page", PAGES)
def test_pages(page):
    boxes = PAGES[page]
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(len(boxes))
        order = reading_order([boxes[number] for number in shuffled])
        assert [int(shuffled[number]) for number in order] == list(range(len(boxes)))


def test_every_box_is_read_once():
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 30):
        starts = random.uniform(0, 200, size=(count, 2))
        boxes = [tuple(edges) for edges in np.hstack([starts, starts + random.uniform(0, 40, size=(count, 2))])]
        assert sorted(reading_order(boxes)) == list(range(count))
