from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from seetell.cli.rows import Format, Rows
from seetell.errors import PhotoError
from seetell.results import Caption, Word

SAID = Caption("a dog's ball", (Word("a", -0.5), Word("dog", -1.25)), -2.0, "tiny")


def written(output_format: Format, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    rows = Rows(output_format)
    rows.write("ünï, \U0001f415.jpg", SAID)
    rows.write("b.jpg", PhotoError("b.jpg: the file is empty"))
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_json_lines(capsys: pytest.CaptureFixture[str]):
    out, err = written(Format.jsonl, capsys)
    first, second = [json.loads(line) for line in out.splitlines()]
    assert first == {
        "image": "ünï, \U0001f415.jpg",
        "caption": "a dog's ball",
        "logprob": -2.0,
        "words": [{"text": "a", "logprob": -0.5}, {"text": "dog", "logprob": -1.25}],
        "model": "tiny",
    }
    assert second == {"image": "b.jpg", "error": "the file is empty"}
    assert err == ""


def test_attention_and_its_page_in_json_lines(capsys: pytest.CaptureFixture[str]):
    word = Word("a", -0.5, np.array([[0.75, 0.25 - 1e-9]], np.float32))
    Rows(Format.jsonl).write("a.jpg", Caption("a", (word,), -0.5, "tiny"), {"page": "where/a-attention.html"})
    row = json.loads(capsys.readouterr().out)
    assert row["words"] == [{"text": "a", "logprob": -0.5, "attention": [[0.75, 0.25]]}]
    assert row["page"] == "where/a-attention.html"


def test_csv(capsys: pytest.CaptureFixture[str]):
    out, _ = written(Format.csv, capsys)
    assert list(csv.reader(io.StringIO(out))) == [
        ["image", "caption", "logprob", "error"],
        ["ünï, \U0001f415.jpg", "a dog's ball", "-2.0", ""],
        ["b.jpg", "", "", "the file is empty"],
    ]


def test_text_keeps_photos_that_failed_apart(capsys: pytest.CaptureFixture[str]):
    out, err = written(Format.text, capsys)
    assert out == "ünï, \U0001f415.jpg\ta dog's ball\n"
    assert err == "b.jpg: the file is empty\n"


def test_names_can_neither_break_lines_nor_steer_the_terminal(capsys: pytest.CaptureFixture[str]):
    Rows(Format.text).write("a\nb\x1b[31m\t.jpg", SAID)
    assert capsys.readouterr().out == "a\\nb\\x1b[31m\\t.jpg\ta dog's ball\n"


def test_an_impossible_ending_is_null_in_json(capsys: pytest.CaptureFixture[str]):
    Rows(Format.jsonl).write("a.jpg", Caption("a", (Word("a", -0.1),), float("-inf"), "tiny"))
    assert json.loads(capsys.readouterr().out)["logprob"] is None
