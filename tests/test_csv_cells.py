from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.csv_cells import CsvWriter, defuse, restore
from seetell.data.delimited import rows

SIGNS = "=+-@＝＋－＠"


@pytest.mark.parametrize("text", [*SIGNS, "=1+1", " -x", "\t=1", "\ta", "\rb", "'=1", "''@x"])
def test_text_that_begins_a_formula_gets_an_apostrophe(text: str):
    assert defuse(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", "a=b", "'tis a dog", "a - b", -1.5, -7, None])
def test_other_values_stay(value: object):
    assert defuse(value) == value


@given(st.text(f"{SIGNS}' \ta,;\"é\n"))
def test_no_formula_is_left_and_reading_gives_the_text_back(text: str):
    cell = str(defuse(text))
    assert not cell.lstrip().startswith(tuple(SIGNS))
    assert restore(cell) == text


@pytest.mark.slow
@given(st.lists(st.text("a,;\"'\r\n\t ="), min_size=2, max_size=3))
def test_lines_are_read_as_they_were_written(cells: list[str]):
    file = io.StringIO(newline="")
    writer = CsvWriter(file)
    writer.row(cells)
    writer.rows([["b", "c"]])
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [cells, ["b", "c"]]
    assert file.getvalue().endswith("\nb,c\n")


def test_tables_are_read_without_the_apostrophes():
    file = io.StringIO()
    CsvWriter(file).row([defuse("=1+1.jpg"), "'tis, a dog", defuse("-x")])
    assert [row.cells for row in rows(file.getvalue(), ",")] == [("=1+1.jpg", "'tis, a dog", "-x")]
