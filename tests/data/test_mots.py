from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seetell.data.mots import MotsMask, mots_lines, read_mots
from seetell.errors import DataError
from seetell.geometry.masks import encode


def mask(frame: int, number: int, *corners: int, kind: int = 2) -> MotsMask:
    pixels = np.zeros((6, 8), bool)
    left, top, right, bottom = corners
    pixels[top:bottom, left:right] = True
    return MotsMask(frame, number, kind, (8, 6), encode(pixels))


def test_masks_are_read_as_they_were_written(tmp_path: Path):
    masks = [mask(3, 2001, 0, 0, 4, 6), mask(1, 2002, 5, 2, 8, 3), mask(1, 10000, 0, 0, 1, 1, kind=10)]
    path = tmp_path / "0002.txt"
    path.write_text(mots_lines(masks), encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines()[0].startswith("1 2002 2 6 8 ")
    assert read_mots(path) == [masks[1], masks[2], masks[0]]
    assert read_mots(path)[2].pixels.sum() == 24


@pytest.mark.parametrize(
    "line", ["1 2 3", "1 2 2 6 8 abc def", "a 2 2 6 8 0", "-1 2 2 6 8 0", "1 2 2 0 8 0", "1 2 2 99999 99999 0"]
)
def test_other_lines_are_named(tmp_path: Path, line: str):
    path = tmp_path / "a.txt"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.txt, line 1: expected"):
        read_mots(path)


def test_run_lengths_of_another_size_are_refused():
    with pytest.raises(DataError, match="run lengths"):
        _ = MotsMask(1, 1, 2, (4, 4), mask(1, 1, 0, 0, 2, 2).counts).pixels
