from __future__ import annotations

import csv

import pytest

from seetell.tasks.captioning.score_table import photo_table


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_no_cell_begins_a_formula(sign: str):
    cells = (f"{sign}1+1", f" {sign}1", f"\t{sign}1", f"\r\n{sign}1")
    (row,) = csv.reader(photo_table(["a", "b", "c", "d"], [cells]).splitlines()[1:])
    assert row == [f"'{sign}1+1", f"' {sign}1", f"' {sign}1", f"'  {sign}1"]


def test_a_row_is_one_line_whatever_is_said():
    table = photo_table(["caption"], [["a\nb\r\0c\x1b[31m"], ['say "a, b"'], ["\u0645\u06cc\u200c\u062e"], [""]])
    assert table.splitlines() == ["caption", "a b  c [31m", '"say ""a, b"""', "\u0645\u06cc\u200c\u062e", '""']


def test_numbers_stay_as_they_are():
    table = photo_table(["id", "score"], [[-7, 0.1 + 0.2]])
    assert table == "id,score\n-7,0.30000000000000004\n"
