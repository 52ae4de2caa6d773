from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.data.delimited import DELIMITERS, find_delimiter, rows


def split(text: str, delimiter: str = ",") -> list[tuple[int, tuple[str, ...] | None]]:
    return [(row.line, None if row.error else row.cells) for row in rows(text, delimiter)]


def test_quotes_line_ends_and_blanks():
    text = 'image,caption\n\n a.jpg , "A ""big"" dog, running"\nb.jpg,"two\nlines"\nc.jpg,5" tall\n'
    assert split(text) == [
        (1, ("image", "caption")),
        (3, ("a.jpg", 'A "big" dog, running')),
        (4, ("b.jpg", "two\nlines")),
        (6, ("c.jpg", '5" tall')),
    ]


def test_a_broken_row_affects_no_other():
    text = 'a.jpg,"quote" left\nb.jpg,"never closed\nc.jpg,fine\n'
    assert split(text) == [(1, None), (2, None), (3, ("c.jpg", "fine"))]
    assert next(rows(text, ",")).error == (
        "not a valid row (',' expected after '\"'); write a quote within quotes twice"
    )


def test_a_quote_that_never_closes_does_not_swallow_the_file():
    text = 'a.jpg,"open\n' + "".join(f"{number}.jpg,fine\n" for number in range(200))
    found = split(text)
    assert found[0] == (1, None)
    assert len(found) == 201
    assert found[-1] == (201, ("199.jpg", "fine"))


def test_between_tabs_stray_quotes_are_text():
    assert split('a.jpg\t"Hello" he said\nb.jpg\t"open\nc.jpg\tfine', "\t") == [
        (1, ("a.jpg", '"Hello" he said')),
        (2, ("b.jpg", '"open')),
        (3, ("c.jpg", "fine")),
    ]


@pytest.mark.parametrize(
    ("text", "likely", "delimiter"),
    [
        ("image,caption\na.jpg,One; two; three; four\n", ",", ","),
        ("image;caption\na.jpg;One, two, three, four\n", ",", ";"),
        ("image\tcaption\na.jpg\tOne, two | three\n", ",", "\t"),
        ("image| number| caption\na.jpg| 0| One, two\n", ",", "|"),
        ("image,caption\na.jpg,One\n", "\t", ","),
        ("nothing of the kind", "\t", "\t"),
    ],
)
def test_the_delimiter_is_the_one_that_makes_a_header(text: str, likely: str, delimiter: str):
    assert find_delimiter(text, accepts=lambda header: {"image", "caption"} <= set(header), likely=likely) == delimiter


@given(st.text(st.sampled_from('ab",;\t| \n\0é'), max_size=80), st.sampled_from(DELIMITERS))
def test_any_text_gives_rows_in_order(text: str, delimiter: str):
    lines = [row.line for row in rows(text, delimiter)]
    assert lines == sorted(set(lines))
    assert bool(lines) == bool(text.strip())


_cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=20).map(str.strip)


@pytest.mark.slow
@given(st.lists(st.tuples(_cells.filter(bool), _cells), max_size=6), st.sampled_from(",;\t|"))
def test_what_csv_writes_is_read_back(table: list[tuple[str, str]], delimiter: str):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    assert [row.cells for row in rows(file.getvalue(), delimiter)] == table
