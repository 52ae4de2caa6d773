from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.data.mot_challenge import find_sequences, mot_lines, read_mot
from seetell.errors import DataError
from seetell.results import Track, Tracks


def test_frames_and_pixels_count_from_one_there_and_from_zero_here(tmp_path: Path):
    path = tmp_path / "gt.txt"
    path.write_text("2,3,11,21,30,40,1,7,0.5\n1,-1,1,1,10,10,0.25,-1,-1,-1\n\n2 4 1.5 1 2 2\n", encoding="utf-8")
    table = read_mot(path)
    assert table.frames.tolist() == [0, 1, 1]
    assert table.ids.tolist() == [-1, 3, 4]
    assert table.boxes.tolist() == [[0, 0, 10, 10], [10, 20, 40, 60], [0.5, 0, 2.5, 2]]
    assert table.scores.tolist() == [0.25, 1, 1]
    assert table.classes.tolist() == [-1, 7, -1]
    assert [len(part) for part in table.by_frame(3)] == [1, 2, 0]
    assert table.frame_count == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3", "expected 6 to 10 finite numbers, got '1,2,3'"),
        ("1,2,3,4,5,six", "expected numbers"),
        ("0,1,1,1,5,5,1", "expected whole numbers of a frame, from 1"),
        ("1.5,1,1,1,5,5,1", "expected whole numbers"),
        ("99999999,1,1,1,5,5,1", "expected whole numbers"),
        ("1,1,1,1,-5,5,1", "not negative, got -5, 5"),
        ("1,1,1,1,nan,5,1", "finite numbers"),
    ],
)
def test_lines_of_another_format_are_named(tmp_path: Path, line: str, message: str):
    path = tmp_path / "det.txt"
    path.write_text(f"1,-1,1,1,5,5,1\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"det\.txt, line 2: .*{message}"):
        read_mot(path)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        read_mot(tmp_path / "absent.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="cannot be read"):
        read_mot(tmp_path / "binary.txt")


numbers = st.floats(0, 4000).map(lambda number: round(number, 2))
rows_of_frames = st.dictionaries(
    st.integers(0, 50), st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=12
)


@settings(max_examples=15)
@given(rows_of_frames)
def test_results_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, rows: dict[int, tuple]):
    frames = np.array(sorted(rows), np.int64)
    boxes = np.array([rows[frame] for frame in frames.tolist()])
    boxes[:, 2:] += boxes[:, :2]
    track = Track(4, "person", frames, frames / 25, boxes, np.full(len(rows), 0.75))
    path = tmp_path_factory.mktemp("mot") / "results.txt"
    path.write_text(mot_lines(Tracks((track,), (4000, 4000), 25.0, 51, "model")), encoding="utf-8")
    table = read_mot(path)
    assert table.frames.tolist() == frames.tolist()
    assert set(table.ids.tolist()) == {4}
    assert table.boxes == pytest.approx(boxes, abs=0.011)
    assert set(table.scores.tolist()) == {0.75}


def test_both_layouts_are_found(tmp_path: Path):
    for path in ("gt/A/gt.txt", "det/A/det/det.txt", "train/B/gt/gt.txt", "train/B/det/det.txt", "train/B/img1/1.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "train/B/seqinfo.ini").touch()
    (tmp_path / "gt/C").mkdir()
    (tmp_path / "gt/C/gt.txt").touch()
    one, other, third = find_sequences(tmp_path)
    assert (one.name, one.detections, one.frames) == ("A", tmp_path / "det/A/det/det.txt", None)
    assert (other.name, other.frames) == ("B", tmp_path / "train/B")
    assert (third.name, third.detections) == ("C", None)
    assert [each.name for each in find_sequences(tmp_path / "train")] == ["B"]
    with pytest.raises(DataError, match="found none"):
        find_sequences(tmp_path / "det")
