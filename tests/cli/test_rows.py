from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from seetell.cli.command import Format
from seetell.cli.rows import Rows
from seetell.errors import PhotoError
from seetell.results import Caption, Label, Labels, Mask, Masks, Region, Regions, Word, row

SAID = Caption("a dog's ball", (Word("a", -0.5), Word("dog", -1.25)), -2.0, "tiny")


def written(output_format: Format, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    rows = Rows(output_format, "text")
    rows.write(row("ünï, \U0001f415.jpg", SAID))
    rows.write(row("b.jpg", PhotoError("b.jpg: the file is empty")))
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_json_lines(capsys: pytest.CaptureFixture[str]):
    out, err = written(Format.jsonl, capsys)
    first, second = [json.loads(line) for line in out.splitlines()]
    assert first == {
        "image": "ünï, \U0001f415.jpg",
        "caption": "a dog's ball",
        "confidence": None,
        "kind": "sentence",
        "logprob": -2.0,
        "words": [{"text": "a", "logprob": -0.5}, {"text": "dog", "logprob": -1.25}],
        "model": "tiny",
    }
    assert second == {"image": "b.jpg", "error": "the file is empty"}
    assert err == ""


def test_of_an_image_in_which_nothing_is_found_people_are_told(capsys: pytest.CaptureFixture[str]):
    nothing = row("a\n.jpg", Regions((), (640, 480), "tiny"))
    Rows(Format.text, "regions").write(nothing)
    assert capsys.readouterr() == ("", "a\\n.jpg: nothing was found\n")
    Rows(Format.jsonl, "regions").write(nothing)
    out, err = capsys.readouterr()
    assert (json.loads(out)["regions"], err) == ([], "")


def test_attention_and_its_page_in_json_lines(capsys: pytest.CaptureFixture[str]):
    word = Word("a", -0.5, np.array([[0.75, 0.25 - 1e-9]], np.float32))
    content = {**row("a.jpg", Caption("a", (word,), -0.5, "tiny")), "page": "where/a-attention.html"}
    Rows(Format.jsonl, "text").write(content)
    shown = json.loads(capsys.readouterr().out)
    assert shown["words"] == [{"text": "a", "logprob": -0.5, "attention": [[0.75, 0.25]]}]
    assert shown["page"] == "where/a-attention.html"


def test_csv(capsys: pytest.CaptureFixture[str]):
    out, _ = written(Format.csv, capsys)
    assert list(csv.reader(io.StringIO(out))) == [
        [
            *("image", "caption", "confidence", "kind", "logprob", "keywords", "written", "written_confidence"),
            *("reason", "error"),
        ],
        ["ünï, \U0001f415.jpg", "a dog's ball", "", "sentence", "-2.0", "", "", "", "", ""],
        ["b.jpg", "", "", "", "", "", "", "", "", "the file is empty"],
    ]


def test_no_cell_of_csv_begins_a_formula(capsys: pytest.CaptureFixture[str]):
    rows = Rows(Format.csv, "text")
    rows.write(row("=1+1.jpg", Caption("@a", (), -2.0, "tiny")))
    rows.write(row("-b.jpg", PhotoError("-b.jpg: +1")))
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:] == [
        ["'=1+1.jpg", "'@a", "", "sentence", "-2.0", "", "", "", "", ""],
        ["'-b.jpg", "", "", "", "", "", "", "", "", "'+1"],
    ]


WITHHELD = Caption("", (), float("nan"), "tiny", 0.31449, reason="confidence 0.31 is below 0.5")


def test_keywords_are_a_field_and_a_column(capsys: pytest.CaptureFixture[str]):
    content = row("a.jpg", replace(SAID, keywords=("dog", "tennis ball")))
    for output_format in (Format.text, Format.jsonl, Format.csv):
        Rows(output_format, "text").write(content)
    text, line, _, table = capsys.readouterr().out.splitlines()
    assert text == "a.jpg\ta dog's ball\tdog; tennis ball"
    assert json.loads(line)["keywords"] == ["dog", "tennis ball"]
    assert table == "a.jpg,a dog's ball,,sentence,-2.0,dog; tennis ball,,,,"
    none = row("a.jpg", Caption("", (), float("nan"), "tiny", reason="no photo", keywords=()))
    assert none == {
        "image": "a.jpg",
        "caption": None,
        "reason": "no photo",
        "confidence": None,
        "keywords": [],
        "model": "tiny",
    }


def test_a_withheld_caption_is_null_in_json(capsys: pytest.CaptureFixture[str]):
    Rows(Format.jsonl, "text").write(row("a.jpg", WITHHELD))
    assert json.loads(capsys.readouterr().out) == {
        "image": "a.jpg",
        "caption": None,
        "reason": "confidence 0.31 is below 0.5",
        "confidence": 0.3145,
        "model": "tiny",
    }


def test_a_withheld_caption_says_why_in_the_other_formats(capsys: pytest.CaptureFixture[str]):
    Rows(Format.text, "text").write(row("a\n.jpg", WITHHELD))
    assert capsys.readouterr() == ("", "a\\n.jpg: withheld: confidence 0.31 is below 0.5\n")
    Rows(Format.csv, "text").write(row("a.jpg", WITHHELD))
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(each["caption"], each["confidence"], each["reason"]) for each in table] == [
        ("", "0.3145", "confidence 0.31 is below 0.5")
    ]


def test_a_reading_of_tags_has_no_words(capsys: pytest.CaptureFixture[str]):
    Rows(Format.jsonl, "text").write(row("a.jpg", Caption("two dogs", (), float("nan"), "tiny", 0.75, "tags")))
    shown = json.loads(capsys.readouterr().out)
    assert (shown["kind"], shown["confidence"], shown["words"], shown["logprob"]) == ("tags", 0.75, [], None)


def test_text_keeps_photos_that_failed_apart(capsys: pytest.CaptureFixture[str]):
    out, err = written(Format.text, capsys)
    assert out == "ünï, \U0001f415.jpg\ta dog's ball\n"
    assert err == "b.jpg: the file is empty\n"


def test_names_can_neither_break_lines_nor_steer_the_terminal(capsys: pytest.CaptureFixture[str]):
    Rows(Format.text, "text").write(row("a\nb\x1b[31m\t.jpg", SAID))
    assert capsys.readouterr().out == "a\\nb\\x1b[31m\\t.jpg\ta dog's ball\n"


def test_an_impossible_ending_is_null_in_json(capsys: pytest.CaptureFixture[str]):
    Rows(Format.jsonl, "text").write(row("a.jpg", Caption("a", (Word("a", -0.1),), float("-inf"), "tiny")))
    assert json.loads(capsys.readouterr().out)["logprob"] is None


REGIONS = Regions(
    (Region("a dog", (1.0, 2.5, 30.0, 40.0), 0.75), Region("a\tcat", (0.0, 0.0, 9.0, 9.0), 0.5)), (64, 48), "tiny"
)
LABELS = Labels((Label("dog", 0.75), Label("cat", 0.25)), "tiny")
MASKS = Masks((Mask("a road", 0.97, 0.43, (0.0, 1.0, 3.0, 2.0), "1100000", 4),), (3, 2), "tiny")


@pytest.mark.parametrize(
    ("shape", "result", "lines"),
    [
        ("regions", REGIONS, ["a.jpg\ta dog\t0.75\t1 2 30 40", "a.jpg\ta\\tcat\t0.50\t0 0 9 9"]),
        ("labels", LABELS, ["a.jpg\tdog\t0.75", "a.jpg\tcat\t0.25"]),
        ("masks", MASKS, ["a.jpg\ta road\t43%\t0.97\t0 1 3 2"]),
    ],
)
def test_regions_and_labels_have_a_line_each(shape, result, lines, capsys: pytest.CaptureFixture[str]):
    Rows(Format.text, shape).write(row("a.jpg", result))
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("shape", "result", "table"),
    [
        (
            "regions",
            REGIONS,
            [
                ["image", "text", "score", "left", "top", "right", "bottom", "error"],
                ["a.jpg", "a dog", "0.75", "1.0", "2.5", "30.0", "40.0", ""],
                ["a.jpg", "a\tcat", "0.5", "0.0", "0.0", "9.0", "9.0", ""],
                ["b.jpg", "", "", "", "", "", "", "no such file"],
            ],
        ),
        (
            "masks",
            MASKS,
            [
                ["image", "text", "score", "share", "left", "top", "right", "bottom", "error"],
                ["a.jpg", "a road", "0.97", "0.43", "0.0", "1.0", "3.0", "2.0", ""],
                ["b.jpg", "", "", "", "", "", "", "", "no such file"],
            ],
        ),
        (
            "labels",
            LABELS,
            [
                ["image", "text", "score", "error"],
                ["a.jpg", "dog", "0.75", ""],
                ["a.jpg", "cat", "0.25", ""],
                ["b.jpg", "", "", "no such file"],
            ],
        ),
    ],
)
def test_regions_and_labels_have_a_row_each(shape, result, table, capsys: pytest.CaptureFixture[str]):
    rows = Rows(Format.csv, shape)
    rows.write(row("a.jpg", result))
    rows.write(row("b.jpg", PhotoError("b.jpg: no such file")))
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == table
