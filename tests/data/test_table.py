from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seetell.data import CaptionDataset, read
from seetell.errors import DataError

Paint = Callable[[Path, list[str]], Path]


@pytest.fixture
def folder(tmp_path: Path, paint: Paint) -> Path:
    return paint(tmp_path / "set", ["images/a.jpg", "images/b.jpg", "images/c.jpg"])


def written(folder: Path, name: str, text: str) -> CaptionDataset:
    (folder / name).write_text(text, encoding="utf-8")
    return read(folder)


def captions(dataset: CaptionDataset) -> dict[int | str, tuple[str, ...]]:
    return {photo.id: photo.captions for photo in dataset.photos}


def problems(dataset: CaptionDataset) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in dataset.problems]


EXPECTED = {"a.jpg": ("A dog, running.", "Dogs run."), "b.jpg": ("A cat.",), "c.jpg": ("A café.",)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", '\ufeffimage,caption\r\na.jpg,"A dog, running."\r\na.jpg,Dogs run.\r\nb.jpg,A cat.\r\n'
         "c.jpg,A café.\r\n"),
        ("x.csv", 'file;text\na.jpg;"A dog, running."\na.jpg;Dogs run.\nb.jpg;A cat.\nc.jpg;A café.\n'),
        ("x.csv", 'Photo,Caption 1,Caption 2\na.jpg,"A dog, running.",Dogs run.\nb.jpg,A cat.,\nc.jpg,,A café.\n'),
        ("x.tsv", "filename\tdescription\na.jpg\tA dog, running.\na.jpg\tDogs run.\nb.jpg\tA cat.\nc.jpg\tA café.\n"),
        ("captions.txt", "image| number| caption\na.jpg| 0| A dog, running.\na.jpg| 1| Dogs run.\n"
         "b.jpg| 0| A cat.\nc.jpg| 0| A café.\n"),
        ("x.jsonl", '{"image": "a.jpg", "captions": ["A dog, running.", "Dogs run."]}\n\n'
         '{"image": "b.jpg", "captions": "A cat."}\n{"captions": ["A caf\\u00e9."], "image": "c.jpg"}\n'),
        ("x.jsonl", '{"photo": "a.jpg", "caption_1": "A dog, running.", "caption_2": "Dogs run."}\n'
         '{"photo": "b.jpg", "caption_1": "A cat.", "caption_2": null}\n{"photo": "c.jpg", "caption_2": "A café."}\n'),
    ],
)  # fmt: skip
def test_one_table_in_many_ways(folder: Path, name: str, text: str):
    dataset = written(folder, name, text)
    assert captions(dataset) == EXPECTED
    assert (dataset.name, dataset.problems) == ("set", ())
    assert captions(read(folder / name)) == EXPECTED
    assert dataset.photos[0].path == folder / "images" / "a.jpg"


def test_utf16_of_a_spreadsheet(folder: Path):
    (folder / "x.csv").write_bytes(
        "image\tcaption\r\na.jpg\tA café.\r\nb.jpg\tA cat.\r\nc.jpg\tIt.\r\n".encode("utf-16")
    )
    assert captions(read(folder))["a.jpg"] == ("A café.",)


def test_split_column(folder: Path):
    dataset = written(
        folder, "x.csv", "image,caption,split\na.jpg,A dog.,training\nb.jpg,A cat.,dev\nc.jpg,A car.,Test\n"
    )
    assert [photo.split for photo in dataset.photos] == ["train", "val", "test"]


def test_a_photo_in_two_splits_is_not_trained_on(folder: Path):
    rows = ["a.jpg,A dog.,val", "a.jpg,Dogs.,train", "b.jpg,A cat.,train", "b.jpg,Cats.,test", "c.jpg,It.,some"]
    text = "\n".join(["image,caption,split", *rows])
    dataset = written(folder, "x.csv", text)
    assert [(photo.id, photo.split, len(photo.captions)) for photo in dataset.photos] == [
        ("a.jpg", "val", 2),
        ("b.jpg", "test", 2),
    ]
    assert problems(dataset) == [
        ("two-splits", "x.csv:3"),
        ("two-splits", "x.csv:5"),
        ("malformed", "x.csv:6"),
        ("no-split", "x.csv:6"),
    ]


def test_tables_named_after_splits_are_read_together(folder: Path):
    (folder / "train.csv").write_text("image,caption\na.jpg,A dog.\nb.jpg,A cat.\n")
    dataset = written(folder, "val.csv", "image,caption\nc.jpg,A car.\n")
    assert [(photo.id, photo.split) for photo in dataset.photos] == [
        ("a.jpg", "train"),
        ("b.jpg", "train"),
        ("c.jpg", "val"),
    ]


def test_several_tables_are_an_error(folder: Path):
    (folder / "one.csv").write_text("image,caption\na.jpg,A dog.\n")
    with pytest.raises(DataError, match=r"expected one table, but there are one\.csv, two\.csv; give the intended one"):
        written(folder, "two.csv", "image,caption\na.jpg,A dog.\n")


def test_broken_rows_affect_no_other(folder: Path):
    text = (
        "image,caption\n"
        "a.jpg,A dog, a cat and a bird.\n"  # 2: the caption was not quoted
        "b.jpg\n"  # 3: no caption
        ",Nobody knows whose.\n"  # 4
        'c.jpg,"open\n'  # 5
        "c.jpg,A car.\n"  # 6
        "c.jpg,\n"  # 7: empty
        "gone.jpg,A ship.\n"  # 8
    )
    dataset = written(folder, "x.csv", text)
    assert captions(dataset) == {"a.jpg": ("A dog, a cat and a bird.",), "c.jpg": ("A car.",)}
    assert problems(dataset) == [
        ("malformed", "x.csv:2"),
        ("malformed", "x.csv:3"),
        ("caption-without-photo", "x.csv:4"),
        ("malformed", "x.csv:5"),
        ("photo-without-caption", str(folder / "images" / "b.jpg")),
        ("empty-caption", "x.csv:7"),
        ("missing-photo", "x.csv:8"),
    ]


def test_too_many_cells_where_the_caption_is_not_last(folder: Path):
    dataset = written(folder, "x.csv", "caption,image\nA dog, a cat,a.jpg\nA car.,b.jpg\nA ship.,c.jpg,\n")
    assert captions(dataset) == {"b.jpg": ("A car.",), "c.jpg": ("A ship.",)}
    assert problems(dataset)[0] == ("malformed", "x.csv:2")


def test_broken_json_lines_affect_no_other(folder: Path):
    good, number = '{"image": "a.jpg", "caption": "A dog."}', '{"image": 5, "caption": "x"}'
    lines = [good, '{"image": ', "[1]", number, '{"image": "b.jpg", "caption": 7}']
    dataset = written(folder, "x.jsonl", "\n".join(lines))
    assert captions(dataset) == {"a.jpg": ("A dog.",)}
    assert problems(dataset)[:4] == [
        ("malformed", "x.jsonl:2"),
        ("malformed", "x.jsonl:3"),
        ("caption-without-photo", "x.jsonl:4"),
        ("malformed", "x.jsonl:5"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "", "the file is empty"),
        ("x.csv", "id,tags\n1,dog\n", r"x\.csv:1: expected a header with columns, .* but found 'id', 'tags'"),
        ("x.csv", "a.jpg,A dog.\n", "this looks like data: add a first line"),
        ("x.csv", "image,caption\n", "read as table of photos and captions, but it has no photo with a caption"),
        ("x.jsonl", "no json\n", r"expected a JSON object on each line, but no line is one; see x\.jsonl:1"),
        ("x.jsonl", '{"a": 1}\n', r"x\.jsonl: expected a header with columns, .* but found 'a'"),
    ],
)
def test_a_file_without_a_table_is_refused(folder: Path, name: str, text: str, message: str):
    with pytest.raises(DataError, match=message):
        written(folder, name, text)


def test_a_folder_without_a_table_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"expected a \.csv, \.tsv or \.jsonl file .* write one with the columns image"):
        read(tmp_path, format="table")


def test_fifty_photos_of_ones_own(tmp_path: Path, paint: Paint):
    names = [f"holiday {number}.png" for number in range(50)]
    paint(tmp_path, names)
    with (tmp_path / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("image", "caption"), *((name, f"Our holiday, day {name[8:-4]}") for name in names)]
        )
    dataset = read(tmp_path)
    assert len(dataset.photos) == 50
    assert not dataset.problems
    assert dataset.split("val")
    assert dataset == read(tmp_path)
    assert dataset.photos != read(tmp_path, split_seed=1).photos


_captions = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=15).map(
    lambda text: f"dog {text}".strip()
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a.jpg", "b.jpg", "c.jpg"]), _captions), min_size=1, max_size=6), st.booleans()
)
def test_what_is_written_is_read_back(folder: Path, table: list[tuple[str, str]], as_json: bool):
    expected: dict[str, list[str]] = {}
    for name, caption in table:
        expected.setdefault(name, []).append(caption)
    path = folder / ("x.jsonl" if as_json else "x.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        if as_json:
            file.writelines(json.dumps({"image": name, "caption": caption}) + "\n" for name, caption in table)
        else:
            csv.writer(file).writerows([("image", "caption"), *table])
    dataset = read(path)
    assert captions(dataset) == {name: tuple(said) for name, said in expected.items()}
    assert {problem.kind for problem in dataset.problems} <= {"photo-without-caption"}


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.binary(max_size=120), st.sampled_from(["csv", "tsv", "jsonl", "txt", "json"]))
def test_any_bytes_are_read_or_refused(folder: Path, content: bytes, suffix: str):
    path = folder / f"x.{suffix}"
    for start in (b"", b"image,caption\na.jpg,A dog.\n"):
        path.write_bytes(start + content)
        try:
            dataset = read(path)
        except DataError as error:
            message = str(error)
        else:
            assert dataset.photos
            continue
        assert str(path) in message
