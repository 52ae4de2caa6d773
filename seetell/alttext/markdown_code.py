"""Mask the code in a Markdown file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict

from seetell.alttext.html_tags import escaped

MASK = "\0"
_FRONT_MATTER = re.compile(r"\ufeff?(?P<mark>---|\+\+\+)[ \t]*\r?\n(?s:.*?)^(?P=mark)[ \t]*\r?$", re.MULTILINE)
_FENCE = re.compile(r"(?P<within>[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_LIST_ITEM = re.compile(r" {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]|\r?$)")
_INDENTED = re.compile(r" {4}| {0,3}\t")
_CODE_AFTER_MARKER = re.compile(r" *(?:(?:[-+*>]|\d{1,9}[.)]) *)*(?:[-+*>]|\d{1,9}[.)]) {5,}\S")
"""Indented code that starts in the line of a quotation's or a list item's marker; tabs expanded."""
_NO_PARAGRAPH = re.compile(r" {0,3}(?:#{1,6}[ \t\r]|\[[^\]]+\]:|([-_*=])(?:[ \t]*\1)*[ \t]*\r?$)")
"""Headings, definitions and rules, after which indented code may start, as after an empty line."""
_TICKS = re.compile(r"`+")


def without_code(text: str) -> str:
    """Mask front matter, fenced and indented code, and code spans (CommonMark 4.4, 4.5 and 6.1).

    What could be code or text of a list counts as text only below a list item.

    Returns:
        A text of the same length, with the same line breaks.
    """
    lines = text.split("\n")
    begin = _FRONT_MATTER.match(text)
    first = 0 if begin is None else begin[0].count("\n") + 1
    lines[:first] = map(_masked, lines[:first])
    fence: re.Match[str] | None = None
    listed = coded = False
    after_blank = True
    for number in range(first, len(lines)):
        line = lines[number]
        if fence is not None and (">" not in fence["within"] or line.lstrip(" \t").startswith(">")):
            fence = None if _closes(fence["fence"], line) else fence
            lines[number] = _masked(line)
            after_blank = fence is None
            continue
        fence = _FENCE.match(line)
        blank, indented = not line.strip(), _INDENTED.match(line) is not None
        if fence is not None:
            listed = (listed and line[:1] in " \t") or _LIST_ITEM.match(line) is not None
            lines[number] = _masked(line)
        elif indented and not blank and not listed and (after_blank or coded):
            lines[number], coded = _masked(line), True
        elif _CODE_AFTER_MARKER.match(line.expandtabs(4)):
            listed = listed or _LIST_ITEM.match(line) is not None
            lines[number] = _masked(line)
        elif not blank:
            coded = False
            listed = _LIST_ITEM.match(line) is not None or (listed and (not after_blank or line[:1] in " \t"))
        after_blank = blank or _NO_PARAGRAPH.match(line) is not None
    return "\n".join(_without_spans("\n".join(lines)))


def _closes(fence: str, line: str) -> bool:
    ticks = line.strip(" \t\r>")
    return len(ticks) >= len(fence) and ticks == fence[0] * len(ticks)


def _masked(line: str) -> str:
    return MASK * len(line)


def _without_spans(text: str) -> list[str]:
    """Return lines with code spans masked: text between runs of equally many backticks within a paragraph."""
    pieces: list[str] = []
    for block in re.split(r"(\n(?:[ \t\r\0]*(?:\n|\Z))+)", text):
        runs = [(run.start(), run.end()) for run in _TICKS.finditer(block)]
        positions: dict[int, list[int]] = defaultdict(list)
        for number, (start, end) in enumerate(runs):
            positions[end - start].append(number)
        signs, number = list(block) if runs else [], 0
        while number < len(runs):
            start, end = runs[number]
            start += escaped(block, start)
            same = positions[end - start]
            after = bisect_right(same, number)
            if after == len(same):
                number += 1
                continue
            number = same[after]
            for position in range(start, runs[number][1]):
                signs[position] = signs[position] if signs[position] == "\n" else MASK
            number += 1
        pieces.append("".join(signs) if runs else block)
    return "".join(pieces).split("\n")
