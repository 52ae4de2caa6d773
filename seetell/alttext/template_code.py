"""Code of template languages in a page, which no browser ever sees: Jinja, Liquid, Handlebars, Vue, ERB, JSP, PHP."""

from __future__ import annotations

import re

ENDS = {"{{": "}}", "{%": "%}", "{#": "#}", "${": "}", "<%": "%>", "<?php": "?>", "<?=": "?>"}
"""What code begins with, and what it ends with."""

BEGIN = re.compile("|".join(map(re.escape, ENDS)))


def has_code(text: str) -> bool:
    """Whether an address is yet to be made: it has code in it, or begins with a brace as in JSX."""
    return BEGIN.search(text) is not None or text.startswith("{")


class Marks:
    """Finds marks in a text from ascending places on, in a time that is linear in all.

    Args:
        text: where to look.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, tuple[int, int]] = {}

    def find(self, mark: str, place: int) -> int:
        """Return where a mark next begins from a place on; -1 if nowhere."""
        looked, at = self._found.get(mark, (len(self.text) + 1, -1))
        if not (looked <= place and (at < 0 or place <= at)):
            at = self.text.find(mark, place)
            self._found[mark] = place, at
        return at

    def code_end(self, place: int, *, on_a_line: bool = False) -> int | None:
        """Return where template code ends that begins at a place; ``None`` if none begins there, or it has no end.

        Args:
            place: where it should begin.
            on_a_line: whether it must end on the line where it begins.
        """
        begin = BEGIN.match(self.text, place)
        if begin is None:
            return None
        mark = ENDS[begin[0]]
        end = self.find(mark, begin.end())
        if end < 0:
            return len(self.text) if mark == "?>" else None
        if on_a_line and 0 <= self.find("\n", place) < end:
            return None
        return end + len(mark)
