"""Text in cells of CSV, such that no spreadsheet takes it for a formula and reading gives it back.

Who names a photo ``=HYPERLINK(…).jpg`` would otherwise have a formula run when a table of captions is opened.
"""

from __future__ import annotations

import re
from typing import TypeVar

Value = TypeVar("Value")

_FORMULA = re.compile(r"'*(\s*[=+\-@＝＋－＠]|[\t\r\n])")
"""The beginning of a formula, in signs of full width too, perhaps with apostrophes before it."""


def defuse(value: Value) -> Value | str:
    """Return what to write into a cell: text that begins a formula gets an apostrophe, numbers stay."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def restore(cell: str) -> str:
    """Return the text of which :func:`defuse` made a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
