"""Changes to a page as a unified diff, in the format of ``diff -u``, ``patch -p0`` and ``git apply -p0``.

Lines are bytes: the diff of a page in Latin-1, or with lines that end in CR LF, or in UTF-16, applies like any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

CONTEXT = 3
"""Unchanged lines shown around changed ones."""


def unified_diff(name: str, before: bytes, after: bytes) -> Iterator[bytes]:
    """Compare two contents with the same number of lines: lines are changed, never added or removed.

    Args:
        name: the file's name.
        before: its content.
        after: its new content.

    Yields:
        Lines with their line ends; none if the contents are equal.
    """
    old, new = before.split(b"\n"), after.split(b"\n")
    changed = [number for number, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not changed:
        return
    yield b"--- %s\n" % _header(name)
    yield b"+++ %s\n" % _header(name)
    last = len(old) - 1
    lines = last if old[last] == b"" == new[last] else last + 1
    position = 0
    while position < len(changed):
        end = position + 1
        while end < len(changed) and changed[end] - changed[end - 1] <= 2 * CONTEXT + 1:
            end += 1
        first = max(0, changed[position] - CONTEXT)
        stop = min(lines, changed[end - 1] + CONTEXT + 1)
        span = f"{first + 1}" if stop - first == 1 else f"{first + 1},{stop - first}"
        yield f"@@ -{span} +{span} @@\n".encode()
        yield from _hunk(old, new, range(first, stop))
        position = end


def _header(name: str) -> bytes:
    """Return a name as ``patch`` and ``git`` read it: with a tab behind it if it has blanks, quoted if it has more."""
    written = os.fsencode(os.path.normpath(name).replace(os.sep, "/"))
    if re.search(rb'[\x00-\x1f\x7f"\\]', written):
        quoted = re.sub(rb'[\x00-\x1f\x7f"\\]', lambda sign: b"\\%03o" % sign[0][0], written)
        return b'"%s"' % quoted
    return written + (b"\t" if b" " in written else b"")


def _hunk(old: list[bytes], new: list[bytes], shown: range) -> Iterator[bytes]:
    removed: list[int] = []
    for number in [*shown, None]:
        if number is not None and old[number] != new[number]:
            removed.append(number)
            continue
        yield from (_line(b"-", old, changed) for changed in removed)
        yield from (_line(b"+", new, changed) for changed in removed)
        removed = []
        if number is not None:
            yield _line(b" ", old, number)


def _line(sign: bytes, lines: list[bytes], number: int) -> bytes:
    end = b"\n" if number < len(lines) - 1 else b"\n\\ No newline at end of file\n"
    return sign + lines[number] + end
