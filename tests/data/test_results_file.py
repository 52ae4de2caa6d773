from __future__ import annotations

import json
from pathlib import Path

import pytest

from seetell.data.results_file import Results, read_results
from seetell.errors import DataError


def written(folder: Path, name: str, content: str | list[object]) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.json", '[{"image_id": "a.jpg", "caption": "a dog, here"}, {"image_id": "b", "caption": ""}]'),
        ("r.json", '[\n {"image": "a.jpg", "caption": "a dog, here", "logprob": -1},\n {"id": "b", "caption": ""}\n]'),
        ("r.jsonl", '{"image": "a.jpg", "caption": "a dog, here"}\n\n{"image": "b", "caption": ""}\n'),
        (
            "vis.json",
            '[{"image_id": "a.jpg", "caption": "a dog, here", "file_name": "x"}, {"image_id": "b", "caption": ""}]',
        ),
        (
            "result_struct.json",
            '{"params": {}, "imgblobs": [\n{"img_path": "a.jpg", "imgid": 1, "candidate": {"text": "a dog, here"}},'
            '{"img_path": "b", "candidate": {"text": ""}}]}',
        ),
        ("r.jsonl", '\ufeff{"image": "a.jpg", "caption": "a dog, here"}\r\n{"image": "b", "caption": ""}\r\n'),
        ("r.csv", 'image,caption\na.jpg,"a dog, here"\nb,\n'),
        ("r.csv", "\ufeffimage_id;caption\r\na.jpg;a dog, here\r\nb;\r\n"),
        ("r.tsv", "caption\timage\na dog, here\ta.jpg\n\tb\n"),
        ("r.txt", 'image,caption,logprob,error\na.jpg,"a dog, here",-3.5,\nb,,-1,\n'),
    ],
)
def test_each_format_reads_the_same(tmp_path: Path, name: str, content: str):
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
        (
            "r.jsonl",
            '{"image": "a", "caption": "a dog"}\n{"image": "b", "caption": null, "reason": "no photo: text"}\n',
        ),
        ("r.csv", "image,caption,reason,error\na,a dog,,\nb,,no photo: text,\n"),
    ],
)
def test_photos_that_failed_or_whose_caption_is_withheld_have_no_caption(tmp_path: Path, name: str, content: str):
    results = read_results(written(tmp_path, name, content))
    assert results.captions == {"a": "a dog"}
    assert results.failed == ("b",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.json", "", "is empty"),
        ("r.json", " \n\n", "is empty"),
        ("r.json", "\0\0\0", "zero bytes"),
        ("r.json", "[]", "no caption in it"),
        ("r.json", "[1, 2]", r"r\.json: \[0\]: expected an object .* got 1"),
        ("r.json", '[{"image_id": 1, "caption": "a"}', r"r\.json:1:33: expected JSON"),
        ("r.json", '{"images": [], "annotations": []}', "expected a 'caption', but it is an object with 'images'"),
        ("r.json", '[{"image_id": 1, "text": "a"}]', "expected a 'caption'"),
        ("r.json", '[{"caption": "a"}]', r"1 row is not valid; .* whole number or a name, got nothing"),
        ("r.json", '[{"image_id": 1.5, "caption": "a"}]', r"got 1\.5"),
        ("r.json", '[{"image_id": true, "caption": "a"}, {"image_id": 2, "caption": 3}]', "2 rows are not valid"),
        ("r.json", '[{"image_id": 1, "caption": ["a", "b"]}]', r'expected the caption as text, got \["a", "b"\]'),
        (
            "r.json",
            '[{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "b"}]',
            "1 photo named more than once, 1",
        ),
        ("r.json", '[{"image_id": 1, "caption": NaN}]', r"r\.json: \[0\]: expected the caption as text, got NaN"),
        ("r.json", '[{"image_id": 1, "caption": "\\ud800"}]', "expected the caption in valid Unicode"),
        ("r.json", '[{"image_id": 1, "caption": "a", "caption": "b"}]', "the photo 1 has the field 'caption' 2 times"),
        ("r.jsonl", '{"image": "a", "image": "b", "caption": "a"}\n{}', "has the field 'image' 2 times"),
        ("r.json", '[{"image_id": ' + "9" * 5000 + ', "caption": "a"}]', "expected JSON of captions, but .*digits"),
        ("r.json", "[" * 100_000, "expected JSON of captions, but"),
        (
            "r.json",
            '{"images": [], "type": "captions",\n "annotations": []}',
            "looks like references: give the results",
        ),
        ("r.json", '[{"file_path": "a.jpg", "captions": ["a"]}]', "looks like references"),
        ("r.json", '{"imgblobs": [{"img_path": "a"}]}', r"imgblobs\[0\]: expected an object with 'img_path'"),
        (
            "r.json",
            '{"imgblobs": [{"img_path": "a", "candidate": {"text": 1}}]}',
            r"\[0\]: expected the caption as text",
        ),
        ("r.jsonl", '{"image": "a", "caption": "a"}\n{"image": "b"', r"r\.jsonl:2: expected a JSON object"),
        ("r.csv", "photo\na.jpg\n", "one with its caption"),
        (
            "r.csv",
            "image,caption\na.jpg,a dog, here\n",
            r"r\.csv:2: 3 cells under 2 columns; put captions that contain ','",
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
