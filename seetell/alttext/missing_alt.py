"""What is found in a page: images that lack alt text, and where it would stand."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_IN_MARKDOWN = {**{sign: f"\\{sign}" for sign in "\\*_[]&{}|~$"}, "`": "&#96;", "<": "&lt;", ">": "&gt;"}
"""A backslash keeps no backtick from ending code that begins before the image, and no ``>`` a tag (CommonMark 6.1)."""


@dataclass(frozen=True)
class Gap:
    """An image without alt text.

    Attributes:
        place: of the page's text, where the alt text is to be inserted.
        addresses: where the image lies, as the page says, the likeliest first; empty if it does not say.
        templated: whether a template may give it alt text or addresses that the page does not show.
        markdown: whether it is written as Markdown does, otherwise as HTML.
    """

    place: int
    addresses: tuple[str, ...]
    templated: bool = False
    markdown: bool = False

    def insertion(self, alt: str) -> str:
        """Return what to insert to be read as ``alt`` and nothing else, by templates and Markdown around it too."""
        if self.markdown:
            return "".join(_IN_MARKDOWN.get(sign, sign) for sign in alt)
        value = escape(alt)
        for sign in "{`":
            value = value.replace(sign, f"&#{ord(sign)};")
        return f' alt="{value}"'


@dataclass(frozen=True)
class Findings:
    """What a page says of its images.

    Attributes:
        gaps: images without alt text, in their order.
        described: how many have alt text, or are said to need none.
        base: address that others are relative to, if the page names one.
    """

    gaps: tuple[Gap, ...]
    described: int
    base: str = ""
