from __future__ import annotations

from pathlib import Path

import pytest

from seetell.data import CaptionDataset, PhotoRecord, Problem
from seetell.errors import DataError


def record(photo_id: int, split: str) -> PhotoRecord:
    return PhotoRecord(photo_id, Path(f"{photo_id}.jpg"), ("a dog",), split)


def test_split_keeps_the_order_of_the_source():
    dataset = CaptionDataset("d", Path(), (record(3, "val"), record(1, "train"), record(2, "val")))
    assert [photo.id for photo in dataset.split("val")] == [3, 2]
    assert [photo.id for photo in dataset.split("train")] == [1]
    assert dataset.split("test") == ()


def test_every_split_of_an_undivided_set_is_the_whole_set():
    dataset = CaptionDataset("d", Path(), (record(1, "train"), record(2, "train")), single_split=True)
    assert dataset.split("train") == dataset.split("val") == dataset.split("test") == dataset.photos


def test_unknown_split_suggests_the_near_one():
    with pytest.raises(DataError, match=r"unknown split 'vall'\. Did you mean 'val'"):
        CaptionDataset("d", Path(), ()).split("vall")
    with pytest.raises(DataError, match="photo 1: unknown split 'dev'"):
        record(1, "dev")


def test_problems_quote_hostile_text_on_one_printable_line():
    problem = Problem("malformed", "a\x1b[31m.csv:1", "name\n\ud800 – ü")
    assert problem.where == "a\\x1b[31m.csv:1"
    assert problem.message == "name\\n\\ud800 – ü"


def test_the_remarks_are_the_notes_and_the_first_problems():
    problems = tuple(Problem("malformed", f"line {number}", "skipped") for number in range(7))
    told = CaptionDataset("d", Path(), (), problems, ("split 8 : 1 : 1",)).remarks
    assert told == ("split 8 : 1 : 1", *(f"line {n}: skipped" for n in range(5)), "… 2 more problems of the data set")
    assert CaptionDataset("d", Path(), (), problems[:5]).remarks[-1] == "line 4: skipped"
