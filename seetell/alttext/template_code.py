"""Code of template languages in a page: Jinja, Liquid, Handlebars, Vue, ERB, JSP, PHP."""

from __future__ import annotations

import re

ENDS = {"{{": "}}", "{%": "%}", "{#": "#}", "${": "}", "<%": "%>", "<?php": "?>", "<?=": "?>"}
"""Opening and closing marks of code."""

BEGIN = re.compile("|".join(map(re.escape, ENDS)))


def has_code(text: str) -> bool:
    """Return whether an address contains template code, or begins with a brace as in JSX."""
    return BEGIN.search(text) is not None or text.startswith("{")


class Marks:
    """Finds marks in a text from ascending positions, in linear time overall.

    Args:
        text: the text to search.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, tuple[int, int]] = {}

    def find(self, mark: str, position: int) -> int:
        """Return the next position of a mark, at or after a position; -1 if there is none."""
        looked, at = self._found.get(mark, (len(self.text) + 1, -1))
        if not (looked <= position and (at < 0 or position <= at)):
            at = self.text.find(mark, position)
            self._found[mark] = position, at
        return at

    def code_end(self, position: int, *, on_a_line: bool = False) -> int | None:
        """Return the end of template code that starts at a position; ``None`` if there is none, or it has no end.

        Args:
            position: start of the code.
            on_a_line: whether it must end on the line where it starts.
        """
        begin = BEGIN.match(self.text, position)
        if begin is None:
            return None
        mark = ENDS[begin[0]]
        end = self.find(mark, begin.end())
        if end < 0:
            return len(self.text) if mark == "?>" else None
        if on_a_line and 0 <= self.find("\n", position) < end:
            return None
        return end + len(mark)
