from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import UsageError
from seetell.geometry.crossings import crossings, parse_line
from seetell.results import Track

LINE = ((0.0, 100.0), (200.0, 100.0))
"""From left to right; what is above it is to its left."""


def track(number: int, feet: list[tuple[float, float]]) -> Track:
    x, y = np.array(feet, np.float64).T
    frames = np.arange(len(feet))
    return Track(number, "person", frames, frames / 10, np.column_stack([x - 5, y - 20, x + 5, y]), np.ones(len(feet)))


@pytest.mark.parametrize(
    ("feet", "expected"),
    [
        ([(50, 80), (50, 120)], [(1, "right")]),
        ([(50, 120), (60, 90)], [(1, "left")]),
        ([(50, 80), (50, 120), (50, 80)], [(1, "right"), (2, "left")]),
        ([(50, 80), (50, 100), (50, 80)], []),  # touches it
        ([(50, 80), (50, 100), (50, 120)], [(2, "right")]),  # stands on it
        ([(250, 80), (250, 120)], []),  # passes its end
        ([(50, 80), (80, 90)], []),
        ([(50, 80)], []),
    ],
)
def test_feet_cross_the_line(feet: list[tuple[float, float]], expected: list[tuple[int, str]]):
    found = crossings([track(4, feet)], LINE)
    assert [(crossing.frame, crossing.direction) for crossing in found] == expected
    assert all(crossing.id == 4 for crossing in found)


def test_crossings_are_in_the_order_of_time():
    found = crossings([track(1, [(50, 80)] * 3 + [(50, 120)]), track(2, [(90, 120), (90, 80)])], LINE)
    assert [(crossing.id, crossing.seconds) for crossing in found] == [(2, 0.1), (1, 0.3)]
    assert found[0].to_dict() == {"id": 2, "text": "person", "frame": 1, "seconds": 0.1, "direction": "left"}


def test_lines_are_read():
    assert parse_line("0, 100,200,100") == LINE
    for wrong in ("1,2,3", "a,b,c,d", "1,1,1,1", "0,0,nan,5"):
        with pytest.raises(UsageError, match="expected a line"):
            parse_line(wrong)
