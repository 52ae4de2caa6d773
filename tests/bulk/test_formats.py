from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from seetell.bulk.formats import ENDINGS, format_of
from seetell.errors import DataError, PhotoError, UsageError
from seetell.results import Alignment, Caption, Label, Labels, Mask, Masks, Region, Regions, Word, row
from seetell.tasks.registry import find_task

RESULTS: dict[str, list[Any]] = {
    "caption": [
        Caption("=a dog", (Word("a", -0.5), Word("dog", float("-inf"))), -2.25, "tiny", 0.75),
        Caption("", (), float("nan"), "tiny", 0.25, reason="confidence 0.25 is below 0.5"),
        Caption("a cat", (), float("nan"), "tiny", None, kind="tags"),
    ],
    "regions": [
        Regions(
            (Region("a dog", (0.0, 1.5, 20.0, 30.25), 0.5), Region("grass", (0.0, 0.0, 9.0, 9.0), 0.25)),
            (40, 30),
            "tiny",
        ),
        Regions((), (40, 30), "tiny"),
    ],
    "segment": [
        Masks((Mask("=road", 0.75, 0.25, (0.0, 1.0, 20.0, 30.0), "1100000", 4),), (40, 30), "tiny"),
        Masks((), (40, 30), "tiny"),
    ],
    "classify": [Labels((Label("+dog", 0.75), Label("cat", 0.25)), "tiny"), Labels((), "tiny")],
    "align": [
        Alignment(
            "a dog", (Region("a dog", (0.0, 1.0, 2.0, 3.0), 0.5),), 1.5, (40, 30), "tiny", ("zyx",), {"pug": "dog"}
        ),
        Alignment("a dog", (), 0.5, (40, 30), "tiny"),
    ],
}


def rows(command: str) -> list[dict[str, Any]]:
    made = [row(f"{place}\nü.jpg", result) for place, result in enumerate(RESULTS[command])]
    made.append(
        {**row("odd\udcff.jpg", PhotoError("is broken")), **({"sentence": "a dog"} if command == "align" else {})}
    )
    return made


@pytest.fixture(params=RESULTS)
def command(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def written(command: str, ending: str, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    path, format = folder / f"rows{ending}", format_of(ending, find_task(command))
    format.write(path, rows(command))
    return path, list(format.read(path))


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_texts_and_errors_come_back(command: str, ending: str, tmp_path: Path):
    path, read = written(command, ending, tmp_path)
    names = [
        (one["image"].replace("\udcff", "\\udcff"), one.get("sentence"), one.get("error")) for one in rows(command)
    ]
    assert [(one["image"].replace("\udcff", "\\udcff"), one.get("sentence"), one.get("error")) for one in read] == names
    named = format_of(ending, find_task(command)).read(path, only_names=True)
    assert [one["image"] for one in named] == [one["image"] for one in read]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_read_is_written_alike(command: str, ending: str, tmp_path: Path):
    path, read = written(command, ending, tmp_path)
    again = tmp_path / f"again{ending}"
    format_of(ending, find_task(command)).write(again, read)
    assert again.read_bytes() == path.read_bytes()


def test_parquet_keeps_everything_but_names_that_are_no_text(command: str, tmp_path: Path):
    _, read = written(command, ".parquet", tmp_path)
    for before, after in zip(rows(command)[:-1], read[:-1], strict=True):
        words = [{name: value for name, value in word.items() if value is not None} for word in before.get("words", [])]
        expected = {name: value for name, value in before.items() if value is not None}
        found = {
            **after,
            **({"words": [{n: v for n, v in w.items() if v is not None} for w in after["words"]]} if words else {}),
        }
        assert found == {**expected, **({"words": words} if words else {})}


def test_files_of_parquet_have_the_same_columns_whatever_is_in_them(tmp_path: Path):
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    format = format_of(".parquet", find_task("caption"))
    format.write(tmp_path / "some.parquet", rows("caption"))
    format.write(tmp_path / "failed.parquet", [{"image": "a.jpg", "error": "is broken"}])
    more = {**rows("caption")[0], "sidecar": "odd\udcff.xmp", "reason": "odd\udcff"}
    format.write(tmp_path / "more.parquet", [more])
    schemas = [pq.read_schema(tmp_path / f"{name}.parquet") for name in ("some", "failed", "more")]
    assert schemas[0] == schemas[1] == schemas[2]
    table = pq.read_table(tmp_path / "more.parquet").to_pylist()
    assert json.loads(table[0]["more"]) == {"sidecar": "odd\udcff.xmp"}
    assert next(format.read(tmp_path / "more.parquet"))["sidecar"] == "odd\udcff.xmp"


def test_csv_is_as_on_standard_output_with_a_line_for_what_has_nothing(tmp_path: Path):
    path, _ = written("regions", ".csv", tmp_path)
    with open(path, encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["image", "text", "score", "left", "top", "right", "bottom", "error"],
            ["0\nü.jpg", "a dog", "0.5", "0.0", "1.5", "20.0", "30.25", ""],
            ["0\nü.jpg", "grass", "0.25", "0.0", "0.0", "9.0", "9.0", ""],
            ["1\nü.jpg", "", "", "", "", "", "", ""],
            ["odd\\udcff.jpg", "", "", "", "", "", "", "is broken"],
        ]
    assert "'=a dog" in written("caption", ".csv", tmp_path)[0].read_text(encoding="utf-8")
    assert "image,sentence,text" in written("align", ".csv", tmp_path)[0].read_text(encoding="utf-8")


def test_csv_that_a_spreadsheet_saved_is_read(tmp_path: Path):
    path, read = written("regions", ".csv", tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n").replace(b"\r\n\xc3", b"\n\xc3"))
    assert list(format_of(".csv", find_task("regions")).read(path)) == read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,text\na.jpg,a dog\n", "line 1: expected the columns image, text, score, error"),
        (b"", "line 0: expected the columns"),
        (b"image,text,score,error\na.jpg,dog\n", "line 2: expected 4 cells, got 2"),
        (b"image,text,score,error\na.jpg,dog,0.5,,more\n", "line 2: expected 4 cells, got 5"),
        (b"image,text,score,error\na.jpg,dog,high,\n", "line 2: could not convert string to float: 'high'"),
        (b"image,text,score,error\ncaf\xe9.jpg,dog,0.5,\n", "'utf-8' codec can't decode"),
    ],
)
def test_another_table_is_refused(content: bytes, message: str, tmp_path: Path):
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(format_of(".csv", find_task("classify")).read(tmp_path / "rows.csv"))


def test_parquet_with_other_columns_is_refused(tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"name": ["a.jpg"]}), tmp_path / "rows.parquet")
    for only_names in (False, True):
        with pytest.raises(DataError, match="is no file of rows"):
            list(format_of(".parquet", find_task("classify")).read(tmp_path / "rows.parquet", only_names=only_names))


def test_other_endings_and_a_missing_extra_are_wrong_use(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UsageError, match=r"ends in \.jsonl, \.csv, \.parquet, got one that ends in \.xml"):
        format_of(".xml", find_task("caption"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"a file of Parquet needs pyarrow.*\[parquet\]"):
        format_of(".parquet", find_task("caption"))
