from __future__ import annotations

from pathlib import Path

import pytest

from seetell.data.matching import match_results
from seetell.data.records import PhotoRecord
from seetell.data.results_file import Results
from seetell.errors import DataError


def photo(photo_id: int | str, path: str, split: str = "val") -> PhotoRecord:
    return PhotoRecord(photo_id, Path(path), ("a dog",), split)


PHOTOS = (photo(7, "photos/hill.jpg"), photo(8, "photos/sea.jpg"), photo(9, "more/sea.jpg"))


@pytest.mark.parametrize("name", [7, "7", "hill.jpg", "hill", "/elsewhere/hill.jpg", "C:\\photos\\hill.jpg"])
def test_photos_are_found_by_id_file_name_or_stem(name: int | str):
    results = Results(Path("r.json"), {name: "a hill", 8: "the sea", "more/sea.jpg": "more sea"})
    assert match_results(results, PHOTOS) == {7: "a hill", 8: "the sea", 9: "more sea"}


def test_an_id_wins_over_a_file_name():
    photos = (photo("1", "2.jpg"), photo("2", "1.jpg"))
    assert match_results(Results(Path("r"), {"1": "one", "2": "two"}), photos) == {"1": "one", "2": "two"}


def test_unicode_forms_of_a_name_are_one():
    photos = (photo("caf\u00e9.jpg", "caf\u00e9.jpg"),)
    assert match_results(Results(Path("r"), {"cafe\u0301.jpg": "a cup"}), photos) == {"caf\u00e9.jpg": "a cup"}


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        ({7: "a", 8: "b"}, r"1 photo of 3 without a caption, 9; caption them or skip them \(--allow-missing\)"),
        ({7: "a", 8: "b", 9: "c", "no.jpg": "d"}, r"1 caption of no photo of the references, 'no\.jpg'"),
        ({7: "a", "hill.jpg": "b", 8: "c", 9: "d"}, r"1 photo captioned again under another name, 'hill\.jpg'"),
        ({7: "a", "sea.jpg": "b", 8: "c", 9: "d"}, r"1 name matching several photos, 'sea\.jpg'"),
        (
            {1: "", 2: "", 3: "", 7: ""},
            r"3 captions of no photo.*, 1, 2, 3;.*\. Also 2 photos of 3 without a caption, 8",
        ),
        (
            {1: "", 2: "", 3: "", 4: ""},
            r"4 captions of no photo.*such as 1, 2, 3;.*name their photos 7 \(hill\.jpg\), 8",
        ),
    ],
)
def test_captions_and_photos_that_do_not_fit_are_counted(captions: dict[int | str, str], message: str):
    with pytest.raises(DataError, match=message):
        match_results(Results(Path("r.json"), captions), PHOTOS)


def test_missing_captions_are_left_out_where_that_is_allowed():
    results = Results(Path("r.json"), {9: "sea"}, failed=(7,))
    more = Results(Path("r.json"), {9: "sea"}, failed=(7, 70, 71, 72))
    for each in (results, more):  # photos of other data sets are not among the missing
        with pytest.raises(DataError, match=r"2 photos of 3 .* \(1 of them failed or withheld\)"):
            match_results(each, PHOTOS)
    assert match_results(results, PHOTOS, allow_missing=True) == {9: "sea"}


def test_nothing_left_to_score_is_an_error():
    with pytest.raises(DataError, match="not one of the 3 photos"):
        match_results(Results(Path("r.json"), {}, failed=(7, 8, 9)), PHOTOS, allow_missing=True)


def test_results_of_one_split_name_it():
    photos = (photo(1, "1.jpg", "train"), photo(2, "2.jpg"), photo(3, "3.jpg"))
    with pytest.raises(DataError, match=r"all others are the split 'val': .*--split val"):
        match_results(Results(Path("r.json"), {2: "a", 3: "b"}), photos)


def test_captions_of_another_split_name_it():
    photos = (photo(1, "1.jpg", "val"), photo(2, "2.jpg", "test"), photo(3, "3.jpg", "test"))
    results = Results(Path("r.json"), {1: "a", "2.jpg": "b", 3: "c", 4: "d"})
    message = r"2 captions of photos of the split 'test', '2\.jpg', 3; .*--split test.* 1 caption of no photo .*, 4;"
    with pytest.raises(DataError, match=message):
        match_results(results, photos[:1], beside=photos)


def test_numbers_and_their_spelling_are_one_photo():
    with pytest.raises(DataError, match="1 photo captioned again under another name, '7'"):
        match_results(Results(Path("r.json"), {7: "a", "7": "b", 8: "c", 9: "d"}), PHOTOS)
