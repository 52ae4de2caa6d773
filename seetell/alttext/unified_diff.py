"""Changes to a page as a unified diff, in the format of ``diff -u`` and ``patch``."""

from __future__ import annotations

from collections.abc import Iterator

CONTEXT = 3
"""Unchanged lines shown around changed ones."""


def unified_diff(name: str, before: str, after: str) -> Iterator[str]:
    """Compare two texts with the same number of lines: lines are changed, never added or removed.

    Args:
        name: the file's name.
        before: its text.
        after: its new text.

    Yields:
        Lines with their line ends; none if the texts are equal.
    """
    old, new = before.split("\n"), after.split("\n")
    changed = [number for number, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not changed:
        return
    yield f"--- {name}\n"
    yield f"+++ {name}\n"
    last = len(old) - 1
    lines = last if old[last] == "" == new[last] else last + 1
    position = 0
    while position < len(changed):
        end = position + 1
        while end < len(changed) and changed[end] - changed[end - 1] <= 2 * CONTEXT + 1:
            end += 1
        first = max(0, changed[position] - CONTEXT)
        stop = min(lines, changed[end - 1] + CONTEXT + 1)
        span = f"{first + 1}" if stop - first == 1 else f"{first + 1},{stop - first}"
        yield f"@@ -{span} +{span} @@\n"
        yield from _hunk(old, new, range(first, stop))
        position = end


def _hunk(old: list[str], new: list[str], shown: range) -> Iterator[str]:
    removed: list[int] = []
    for number in [*shown, None]:
        if number is not None and old[number] != new[number]:
            removed.append(number)
            continue
        yield from (_line("-", old, changed) for changed in removed)
        yield from (_line("+", new, changed) for changed in removed)
        removed = []
        if number is not None:
            yield _line(" ", old, number)


def _line(sign: str, lines: list[str], number: int) -> str:
    end = "\n" if number < len(lines) - 1 else "\n\\ No newline at end of file\n"
    return f"{sign}{lines[number]}{end}"
