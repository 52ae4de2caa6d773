"""Sequences of OTB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.data.otb import read_boxes, read_otb, write_boxes
from seetell.errors import DataError

LINES = {"comma": "1,1,10,20\n3,5,10,20\n", "tab": "1\t1\t10\t20\n3\t5\t10\t20", "blank": "1 1 10 20\n3  5 10 20\n\n"}


def write_sequence(
    folder: Path, text: str, *, frames: int = 2, place: str = "img", truth: str = "groundtruth_rect.txt"
):
    (folder / place).mkdir(parents=True, exist_ok=True)
    for number in range(1, frames + 1):
        Image.new("RGB", (8, 6)).save(folder / place / f"{number:04}.jpg")
    (folder / truth).write_text(text)


@pytest.mark.parametrize("name", LINES)
def test_pixels_are_counted_from_one(name: str, tmp_path: Path):
    write_sequence(tmp_path / "Walk", LINES[name])
    (sequence,) = read_otb(tmp_path)
    assert sequence.name == "Walk"
    assert [path.name for path in sequence.frames] == ["0001.jpg", "0002.jpg"]
    assert sequence.boxes.tolist() == [[0, 0, 10, 20], [2, 4, 12, 24]]


def test_frames_may_lie_beside_the_boxes_and_outnumber_them(tmp_path: Path):
    write_sequence(tmp_path, LINES["comma"], frames=3, place=".")
    assert [len(sequence.frames) for sequence in read_otb(tmp_path)] == [2]


def test_two_objects_and_a_late_beginning(tmp_path: Path):
    write_sequence(tmp_path / "Jogging", LINES["comma"], truth="groundtruth_rect.1.txt")
    write_sequence(tmp_path / "Jogging", LINES["comma"], truth="groundtruth_rect.2.txt")
    write_sequence(tmp_path / "David", LINES["comma"], frames=301)
    david, *jogging = read_otb(tmp_path)
    assert [each.name for each in jogging] == ["Jogging.1", "Jogging.2"]
    assert [path.name for path in david.frames] == ["0300.jpg", "0301.jpg"]


def test_boxes_are_written_as_they_are_read(tmp_path: Path):
    boxes = np.array([[0.5, 1, 10, 21.25], [np.nan] * 4, [3, 4, 9, 9]])
    write_boxes(tmp_path / "kcf.txt", boxes)
    assert (tmp_path / "kcf.txt").read_text().splitlines()[:2] == ["1.500,2.000,9.500,20.250", "NaN,NaN,NaN,NaN"]
    np.testing.assert_array_equal(read_boxes(tmp_path / "kcf.txt"), boxes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1,10,20\n1,1,10\n", "2: expected x, y, width and height"),
        ("\n", "a line for each frame"),
        ("a,b,c,d", "1: "),
    ],
)
def test_damaged_files_are_refused(text: str, message: str, tmp_path: Path):
    write_sequence(tmp_path, text)
    with pytest.raises(DataError, match=message):
        read_otb(tmp_path)


def test_what_is_no_sequence_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no groundtruth_rect"):
        read_otb(tmp_path)
    with pytest.raises(DataError, match="there is none"):
        read_otb(tmp_path / "absent")
    write_sequence(tmp_path, LINES["comma"], frames=1)
    with pytest.raises(DataError, match=r"has 2 lines, but .* only 1 frames"):
        read_otb(tmp_path)
