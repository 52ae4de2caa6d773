from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.data.assembly import Entry, assemble, has_words, uncaptioned
from seetell.data.photo_folders import PhotoFolders
from seetell.data.records import CaptionDataset
from seetell.data.source import Source
from seetell.errors import DataError
from seetell.language.tokenizer import tokenize

Paint = Callable[[Path, list[str]], Path]


def entry(name: str, *captions: str, split: str | None = "train", file: str | None = None) -> Entry:
    return Entry(name, file or f"{name}.png", captions or ("a dog",), split, f"line of {name}")


def assembled(folder: Path, *entries: Entry, **options: object) -> CaptionDataset:
    source = Source(folder, **options)  # type: ignore[arg-type]
    return assemble(source, entries, [], PhotoFolders([folder]), name="set", format_name="a list")


def kinds(dataset: CaptionDataset) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in dataset.problems]


def test_references_keep_captions_without_a_word(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png"])
    dataset = assembled(tmp_path, entry("a", "A dog .", " ", "..."), entry("b", "!"), keep_wordless=True)
    assert [photo.captions for photo in dataset.photos] == [("A dog .", "", "..."), ("!",)]
    assert kinds(dataset) == [
        ("empty-caption", "line of a"),
        ("empty-caption", "line of a"),
        ("empty-caption", "line of b"),
    ]


def test_each_problem_affects_only_its_own_item(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    dataset = assembled(
        tmp_path,
        entry("a", "A dog .", " ", "...", "A dog ."),
        entry("a", "the same id"),
        entry("again", "the same file", file="a.png"),
        entry("absent"),
        entry("b", "!"),
        entry("c", "half a pair \ud800", "whole"),
        entry("\udc00", file="d.png"),
    )
    assert [(photo.id, photo.captions) for photo in dataset.photos] == [
        ("a", ("A dog .", "A dog .")),
        ("c", ("whole",)),
    ]
    assert kinds(dataset) == [
        ("empty-caption", "line of a"),
        ("empty-caption", "line of a"),
        ("duplicate-id", "line of a"),
        ("duplicate-photo", "line of again"),
        ("missing-photo", "line of absent"),
        ("empty-caption", "line of b"),
        ("photo-without-caption", "line of b"),
        ("malformed", "line of c"),
        ("malformed", "line of \\udc00"),
    ]
    assert dataset.notes == ("a caption repeats another of its photo: line of a; kept",)


def test_a_caption_with_a_place_of_its_own_is_reported_there(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png"])
    texts = ("A dog .", "...", "A dog .", "half a pair \ud800", "A dog .")
    entry = Entry("a", "a.png", texts, "train", "line 1", tuple(f"line {number}" for number in (1, 4, 7, 8, 9)))
    dataset = assembled(tmp_path, entry)
    assert kinds(dataset) == [("empty-caption", "line 4"), ("malformed", "line 8")]
    assert dataset.notes == ("2 captions repeat another of their photo, the first line 7; kept",)


def test_stated_splits_are_kept_and_others_are_skipped(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png", "c.png"])
    dataset = assembled(tmp_path, entry("a"), entry("b", split="test"), entry("c", split=None))
    assert [(photo.id, photo.split) for photo in dataset.photos] == [("a", "train"), ("b", "test")]
    assert kinds(dataset) == [("no-split", "line of c")]
    asked = assembled(tmp_path, entry("a"), entry("b", split="test"), entry("c", split=None), split="val")
    assert [photo.split for photo in asked.photos] == ["train", "test", "val"]


def test_fifty_photos_without_splits_are_divided_by_the_seed(tmp_path: Path, paint: Paint):
    names = [f"photo{number}" for number in range(50)]
    paint(tmp_path, [f"{name}.png" for name in names])
    for seed in range(20):
        dataset = assembled(tmp_path, *(entry(name, split=None) for name in names), split_seed=seed)
        assert len(dataset.split("train")) >= 30
        assert dataset.split("val")
        assert sum(len(dataset.split(split)) for split in ("train", "val", "test")) == 50
    assert dataset.notes == ("the data states no splits: assigned by seed 19 (val 0.1, test 0.1 of the photos)",)


def test_nine_photos_are_all_of_every_split_with_a_note(tmp_path: Path, paint: Paint):
    names = [f"photo{number}" for number in range(9)]
    paint(tmp_path, [f"{name}.png" for name in names])
    dataset = assembled(tmp_path, *(entry(name, split=None) for name in names))
    assert len(dataset.split("train")) == len(dataset.split("val")) == 9
    assert "9 photos are too few to split" in dataset.notes[0]
    assert not dataset.problems


def test_no_photo_found_lists_the_searched_folders(tmp_path: Path):
    with pytest.raises(DataError, match=r"none of its 1 photos .* 'a\.png'; looked in .*--photos DIR"):
        assembled(tmp_path, entry("a"))


def test_no_caption_at_all_names_the_first_problem(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png"])
    with pytest.raises(DataError, match="no photo with a caption; the first problem: line of a: "):
        assembled(tmp_path, entry("a", "…"))
    with pytest.raises(DataError, match=r"read as a list, but it has no photo with a caption$"):
        assembled(tmp_path)


def test_captions_can_be_read_without_photos(tmp_path: Path):
    dataset = assembled(tmp_path, entry("a"), entry("b"), require_photos=False)
    assert [photo.path for photo in dataset.photos] == [tmp_path / "a.png", tmp_path / "b.png"]
    assert not dataset.problems


def test_photos_of_several_folders_are_noted(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "more/b.png"])
    dataset = assembled(tmp_path, entry("a"), entry("b", file="more/b.png"))
    assert dataset.notes == (f"photos come from 2 folders: {tmp_path} (1), {tmp_path / 'more'} (1)",)


def test_uncaptioned_lists_what_lies_beside(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png", "elsewhere/c.png"])
    problems = uncaptioned(PhotoFolders([tmp_path]), ["a.png", "absent.png"])
    assert [(problem.kind, problem.where) for problem in problems] == [
        ("photo-without-caption", str(tmp_path / "b.png"))
    ]


@pytest.mark.slow
@given(st.text(st.sampled_from("ab .,'-()!n\tÉ9"), max_size=12))
def test_has_words_matches_the_tokenizer(caption: str):
    assert has_words(caption) == bool(tokenize(caption))
