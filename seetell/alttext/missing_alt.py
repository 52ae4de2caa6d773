"""Images of a page that lack alt text, and the positions to insert it at."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_IN_MARKDOWN = {**{sign: f"\\{sign}" for sign in "\\*_[]&{}|~$"}, "`": "&#96;", "<": "&lt;", ">": "&gt;"}
"""A backslash does not keep a backtick from ending a code span, nor ``>`` from ending a tag (CommonMark 6.1)."""


@dataclass(frozen=True)
class MissingAlt:
    """An image without alt text.

    Attributes:
        offset: position in the page's text at which to insert the alt text.
        addresses: of the image, the preferred one first; may be empty.
        templated: whether a template may add alt text or addresses that are not in the page.
        markdown: whether it is Markdown rather than HTML.
    """

    offset: int
    addresses: tuple[str, ...]
    templated: bool = False
    markdown: bool = False

    def insertion(self, alt: str) -> str:
        """Return the text to insert, escaped so that HTML, templates and Markdown all read it as ``alt``."""
        if self.markdown:
            return "".join(_IN_MARKDOWN.get(sign, sign) for sign in alt)
        value = escape(alt)
        for sign in "{`":
            value = value.replace(sign, f"&#{ord(sign)};")
        return f' alt="{value}"'


@dataclass(frozen=True)
class Findings:
    """The images of a page.

    Attributes:
        missing: images without alt text, in order.
        described: number of images that have alt text or are declared to need none.
        base: base address of the page, if it has one.
    """

    missing: tuple[MissingAlt, ...]
    described: int
    base: str = ""
