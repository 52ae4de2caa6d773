from __future__ import annotations

import json
from pathlib import Path

import pytest

from seetell.data.records import PhotoRecord
from seetell.data.results_file import Results, match_results, read_results
from seetell.errors import DataError


def written(folder: Path, name: str, content: str | list[object]) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def photo(photo_id: int | str, path: str, split: str = "val") -> PhotoRecord:
    return PhotoRecord(photo_id, Path(path), ("a dog",), split)


PHOTOS = (photo(7, "photos/hill.jpg"), photo(8, "photos/sea.jpg"), photo(9, "more/sea.jpg"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.json", '[{"image_id": "a.jpg", "caption": "a dog, here"}, {"image_id": "b", "caption": ""}]'),
        ("r.json", '[\n {"image": "a.jpg", "caption": "a dog, here", "logprob": -1},\n {"id": "b", "caption": ""}\n]'),
        ("r.jsonl", '{"image": "a.jpg", "caption": "a dog, here"}\n\n{"image": "b", "caption": ""}\n'),
        ("r.csv", 'image,caption\na.jpg,"a dog, here"\nb,\n'),
        ("r.csv", "\ufeffimage_id;caption\r\na.jpg;a dog, here\r\nb;\r\n"),
        ("r.tsv", "caption\timage\na dog, here\ta.jpg\n\tb\n"),
        ("r.txt", 'image,caption,logprob,error\na.jpg,"a dog, here",-3.5,\nb,,-1,\n'),
    ],
)
def test_each_kind_of_file_says_the_same(tmp_path: Path, name: str, content: str):
    path = written(tmp_path, name, content)
    assert read_results(path) == Results(path, {"a.jpg": "a dog, here", "b": ""})


def test_whole_numbers_stay_numbers(tmp_path: Path):
    path = written(tmp_path, "r.json", [{"image_id": 7, "caption": "a dog"}])
    assert read_results(path).captions == {7: "a dog"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.jsonl", '{"image": "a", "caption": "a dog"}\n{"image": "b", "error": "not a photo"}\n'),
        ("r.csv", "image,caption,error\na,a dog,\nb,,not a photo\n"),
    ],
)
def test_photos_that_failed_have_no_caption(tmp_path: Path, name: str, content: str):
    results = read_results(written(tmp_path, name, content))
    assert results.captions == {"a": "a dog"}
    assert results.failed == ("b",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.json", "", "is empty"),
        ("r.json", "[]", "no caption in it"),
        ("r.json", "[1, 2]", r"r\.json: \[0\]: expected an object .* got 1"),
        ("r.json", '[{"image_id": 1, "caption": "a"}', r"r\.json:1:33: expected JSON"),
        ("r.json", '{"images": [], "annotations": []}', "expected a 'caption', but it is an object with 'images'"),
        ("r.json", '[{"image_id": 1, "text": "a"}]', "expected a 'caption'"),
        ("r.json", '[{"caption": "a"}]', r"1 row is not right; .* whole number or a name, got nothing"),
        ("r.json", '[{"image_id": 1.5, "caption": "a"}]', r"got 1\.5"),
        ("r.json", '[{"image_id": true, "caption": "a"}, {"image_id": 2, "caption": 3}]', "2 rows are not right"),
        ("r.json", '[{"image_id": 1, "caption": ["a", "b"]}]', r'expected the caption as text, got \["a", "b"\]'),
        (
            "r.json",
            '[{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "b"}]',
            "1 photo named more than once, 1",
        ),
        ("r.jsonl", '{"image": "a", "caption": "a"}\n{"image": "b"', r"r\.jsonl:2: expected a JSON object"),
        ("r.csv", "photo\na.jpg\n", "one with its caption"),
        (
            "r.csv",
            "image,caption\na.jpg,a dog, here\n",
            r"r\.csv:2: 3 cells under 2 columns; put captions that hold ','",
        ),
        ("r.csv", "image,caption_1,caption_2\na,b,c\n", "one column of captions"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: str, message: str):
    with pytest.raises(DataError, match=message):
        read_results(written(tmp_path, name, content))


def test_a_folder_and_an_absent_file_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="it is a folder"):
        read_results(tmp_path)
    with pytest.raises(DataError, match=r"absent\.json"):
        read_results(tmp_path / "absent.json")


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
        ({7: "a", 8: "b"}, r"1 photo of 3 without a caption, 9; caption them or leave them out \(--allow-missing\)"),
        ({7: "a", 8: "b", 9: "c", "no.jpg": "d"}, r"1 caption of no photo of the references, 'no\.jpg'"),
        ({7: "a", "hill.jpg": "b", 8: "c", 9: "d"}, r"1 photo captioned again under another name, 'hill\.jpg'"),
        ({7: "a", "sea.jpg": "b", 8: "c", 9: "d"}, r"1 name fitting several photos, 'sea\.jpg'"),
        ({1: "", 2: "", 3: "", 4: ""}, r"4 captions of no photo.*such as 1, 2, 3\. Also 3 photos of 3 without"),
    ],
)
def test_captions_and_photos_that_do_not_fit_are_counted(captions: dict[int | str, str], message: str):
    with pytest.raises(DataError, match=message):
        match_results(Results(Path("r.json"), captions), PHOTOS)


def test_missing_captions_are_left_out_where_that_is_allowed():
    results = Results(Path("r.json"), {9: "sea"}, failed=(7,))
    with pytest.raises(DataError, match=r"2 photos of 3 .* \(1 of them failed\)"):
        match_results(results, PHOTOS)
    assert match_results(results, PHOTOS, allow_missing=True) == {9: "sea"}


def test_nothing_left_to_score_is_an_error():
    with pytest.raises(DataError, match="not one of the 3 photos"):
        match_results(Results(Path("r.json"), {}, failed=(7, 8, 9)), PHOTOS, allow_missing=True)


def test_results_of_one_split_say_which():
    photos = (photo(1, "1.jpg", "train"), photo(2, "2.jpg"), photo(3, "3.jpg"))
    with pytest.raises(DataError, match=r"all others are the split 'val': .*--split val"):
        match_results(Results(Path("r.json"), {2: "a", 3: "b"}), photos)
