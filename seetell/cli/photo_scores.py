"""A table of each photo's scores, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

_FORMULA = tuple("=+-@＝＋－＠")
"""Begin a formula in a spreadsheet, those of full width too."""


def photo_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write CSV.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, control characters become blanks.

    Args:
        header: names of the columns.
        rows: text, whole numbers and scores; the latter are written so that reading gives the same number.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    return file.getvalue()


def _cell(text: str) -> str:
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in text)
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain
