"""The parts of a Markdown file that are code, blotted out."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict

from seetell.alttext.html_tags import escaped

BLOT = "\0"
_FRONT_MATTER = re.compile(r"\ufeff?(?P<mark>---|\+\+\+)[ \t]*\r?\n(?s:.*?)^(?P=mark)[ \t]*\r?$", re.MULTILINE)
_FENCE = re.compile(r"(?P<within>[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_LIST_ITEM = re.compile(r" {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]|\r?$)")
_INDENTED = re.compile(r" {4}| {0,3}\t")
_CODE_AFTER_MARKER = re.compile(r" *(?:(?:[-+*>]|\d{1,9}[.)]) *)*(?:[-+*>]|\d{1,9}[.)]) {5,}\S")
"""Indented code that begins in the line of a quotation's or a list item's marker; tabs expanded."""
_NO_PARAGRAPH = re.compile(r" {0,3}(?:#{1,6}[ \t\r]|\[[^\]]+\]:|([-_*=])(?:[ \t]*\1)*[ \t]*\r?$)")
"""Headings, definitions and rules, below which indented code may begin as it may below an empty line."""
_TICKS = re.compile(r"`+")


def without_code(text: str) -> str:
    """Blot out front matter, fenced and indented code, and code within lines (CommonMark 4.4, 4.5 and 6.1).

    What may be either code or the text of a list is taken for text only below an item of a list.

    Returns:
        A text as long, with the same line breaks.
    """
    lines = text.split("\n")
    begin = _FRONT_MATTER.match(text)
    first = 0 if begin is None else begin[0].count("\n") + 1
    lines[:first] = map(_blotted, lines[:first])
    fence: re.Match[str] | None = None
    listed = coded = False
    after_blank = True
    for number in range(first, len(lines)):
        line = lines[number]
        if fence is not None and (">" not in fence["within"] or line.lstrip(" \t").startswith(">")):
            fence = None if _closes(fence["fence"], line) else fence
            lines[number] = _blotted(line)
            after_blank = fence is None
            continue
        fence = _FENCE.match(line)
        blank, indented = not line.strip(), _INDENTED.match(line) is not None
        if fence is not None:
            listed = (listed and line[:1] in " \t") or _LIST_ITEM.match(line) is not None
            lines[number] = _blotted(line)
        elif indented and not blank and not listed and (after_blank or coded):
            lines[number], coded = _blotted(line), True
        elif _CODE_AFTER_MARKER.match(line.expandtabs(4)):
            listed = listed or _LIST_ITEM.match(line) is not None
            lines[number] = _blotted(line)
        elif not blank:
            coded = False
            listed = _LIST_ITEM.match(line) is not None or (listed and (not after_blank or line[:1] in " \t"))
        after_blank = blank or _NO_PARAGRAPH.match(line) is not None
    return "\n".join(_without_spans("\n".join(lines)))


def _closes(fence: str, line: str) -> bool:
    ticks = line.strip(" \t\r>")
    return len(ticks) >= len(fence) and ticks == fence[0] * len(ticks)


def _blotted(line: str) -> str:
    return BLOT * len(line)


def _without_spans(text: str) -> list[str]:
    """Return lines, what stands between equally many backticks within a paragraph blotted out."""
    pieces: list[str] = []
    for block in re.split(r"(\n(?:[ \t\r\0]*(?:\n|\Z))+)", text):
        runs = [(run.start(), run.end()) for run in _TICKS.finditer(block)]
        places: dict[int, list[int]] = defaultdict(list)
        for number, (start, end) in enumerate(runs):
            places[end - start].append(number)
        signs, number = list(block) if runs else [], 0
        while number < len(runs):
            start, end = runs[number]
            start += escaped(block, start)
            same = places[end - start]
            after = bisect_right(same, number)
            if after == len(same):
                number += 1
                continue
            number = same[after]
            for place in range(start, runs[number][1]):
                signs[place] = signs[place] if signs[place] == "\n" else BLOT
            number += 1
        pieces.append("".join(signs) if runs else block)
    return "".join(pieces).split("\n")
