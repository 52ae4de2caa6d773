from __future__ import annotations

import json
from pathlib import Path

import pytest

from seetell.data import CaptionDataset, PhotoRecord, Problem, read
from seetell.data.check import PhotoCheck
from seetell.data.report import build_report

PHOTOS = (
    PhotoRecord(1, Path("1.jpg"), ("Dog dog dog.", "A dog."), "train"),
    PhotoRecord(2, Path("2.jpg"), ("The dog, a cat!",), "train"),
    PhotoRecord(3, Path("3.jpg"), ("Zebra zebra zebra zebra zebra.",), "val"),
)
MISSING = tuple(Problem("missing-photo", f"line {number}", f"{number}.jpg: no such file") for number in range(1, 6))


def test_counts_words_and_lengths():
    report = build_report(CaptionDataset("mine", Path("here"), PHOTOS, MISSING, ("a remark",), format="a list"))
    assert report.to_dict(examples=1) == {
        "name": "mine",
        "source": "here",
        "format": "a list",
        "splits": {
            "train": {"photos": 2, "captions": 3},
            "val": {"photos": 1, "captions": 1},
            "test": {"photos": 0, "captions": 0},
        },
        "captions_per_photo": {"1": 2, "2": 1},
        # dog ×5, a ×2, the, cat; the val photo's zebras are no training words
        "words": {"distinct": 4, "frequent": 1, "frequent_share": 0.25, "running": 9, "running_share": 5 / 9},
        "caption_lengths": {"min": 2, "p25": 2, "median": 3, "p75": 4, "p95": 4, "max": 5},
        "photo_widths": None,
        "photo_heights": None,
        "problems": {
            "missing-photo": {"count": 5, "items": [{"where": "line 1", "message": "1.jpg: no such file"}]},
        },
        "notes": ["a remark"],
    }
    assert len(report.to_dict()["problems"]["missing-photo"]["items"]) == 5
    json.dumps(report.to_dict())


def test_text_report():
    checked = PhotoCheck(
        {1: (640, 480), 2: (200, 1000)}, frozenset({3}), (Problem("unreadable-photo", "3.jpg", "empty"),)
    )
    dataset = CaptionDataset("mine", Path("here"), PHOTOS, MISSING, ("a remark",), format="a list")
    assert build_report(dataset, checked).to_text(examples=2) == (
        "mine: here\n"
        "  read as a list\n"
        "\n"
        "split     photos  captions\n"
        "train          2         3\n"
        "val            0         0\n"
        "test           0         0\n"
        "\n"
        "captions per photo   1 on 1, 2 on 1\n"
        "words per caption    min 2, p25 2, median 3, p75 3, p95 3, max 4\n"
        "vocabulary           4 words, 1 of them (25.0%) seen 5 times or more, which are 55.6% of the 9 words in the "
        "training captions\n"
        "photo width          min 200, p25 200, median 200, p75 200, p95 200, max 640\n"
        "photo height         min 480, p25 480, median 480, p75 480, p95 480, max 1,000\n"
        "note: a remark\n"
        "\n"
        "6 problems found\n"
        "  photos whose file is missing: 5\n"
        "    line 1: 1.jpg: no such file\n"
        "    line 2: 2.jpg: no such file\n"
        "    … and 3 more\n"
        "  photos that do not open: 1\n"
        "    3.jpg: empty"
    )


def test_a_clean_set_has_no_problems():
    text = build_report(CaptionDataset("mine", Path("here"), PHOTOS)).to_text()
    assert text.endswith("photo sizes          not checked: the photos were not opened\n\nno problems found")


def test_every_split_of_an_undivided_set_is_counted():
    report = build_report(CaptionDataset("mine", Path("here"), PHOTOS[:2], single_split=True))
    assert [counts["photos"] for counts in report.splits.values()] == [2, 2, 2]


def test_no_photo_left_is_still_a_report():
    checked = PhotoCheck({}, frozenset({1, 2, 3}), (Problem("unreadable-photo", "1.jpg", "empty"),))
    report = build_report(CaptionDataset("mine", Path("here"), PHOTOS), checked)
    assert report.words["distinct"] == 0
    assert "words per caption    none" in report.to_text()


@pytest.mark.slow
def test_the_real_flickr8k(flickr8k: Path):
    report = build_report(read(flickr8k))
    assert report.splits["train"] == {"photos": 6000, "captions": 30000}
    assert report.splits["val"] == {"photos": 1000, "captions": 5000}
    assert report.captions_per_photo == {5: 7000}
    assert report.words["running_share"] > 0.95
