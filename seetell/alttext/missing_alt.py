"""Images of a page: those that lack alt text, with the positions to insert it at, and those that have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

_IN_MARKDOWN = {**{sign: f"\\{sign}" for sign in "\\*_[]&{}|~$"}, "`": "&#96;", "<": "&lt;", ">": "&gt;"}
"""A backslash does not keep a backtick from ending a code span, nor ``>`` from ending a tag (CommonMark 6.1)."""


def _in_html(alt: str) -> str:
    value = escape(alt)
    for sign in "{`":
        value = value.replace(sign, f"&#{ord(sign)};")
    return f' alt="{value}"'


def _in_markdown(alt: str) -> str:
    return "".join(_IN_MARKDOWN.get(sign, sign) for sign in alt)


def _in_embed(alt: str) -> str:
    """Obsidian has no escapes: what would end the text is left out."""
    return "|" + " ".join(re.sub(r"[\[\]|\\]", " ", alt).split())


def _in_table_embed(alt: str) -> str:
    return "\\" + _in_embed(alt)


def _in_shortcode(alt: str) -> str:
    value = alt.replace("\\", "\\\\").replace('"', '\\"').replace("{{", "{ {").replace("}}", "} }")
    return f' alt="{value}"'


WAYS: Mapping[str, Callable[[str], str]] = {
    "html": _in_html,
    "markdown": _in_markdown,
    "embed": _in_embed,
    "embed in a table": _in_table_embed,
    "shortcode": _in_shortcode,
}
"""The ways to write alt text, escaped so that the page's readers read it unchanged."""


@dataclass(frozen=True)
class MissingAlt:
    """An image without alt text.

    Attributes:
        offset: position in the page's text at which to insert the alt text.
        addresses: of the image, the preferred one first; may be empty.
        way: how alt text is written there, of ``WAYS``.
        templated: whether a template may add alt text or addresses that are not in the page.
        may_have_alt: whether a template may add the alt text itself.
        twin_alt: alt text that a person gave the same image in its ``noscript`` twin, which is then used.
    """

    offset: int
    addresses: tuple[str, ...]
    way: str = "html"
    templated: bool = False
    may_have_alt: bool = False
    twin_alt: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether it is Obsidian's ``![[dog.jpg]]``, whose file may lie anywhere in the vault."""
        return self.way.startswith("embed")

    @property
    def takes_empty(self) -> bool:
        """Whether an empty alt text can be written, which declares an image to be decoration."""
        return self.way in ("html", "shortcode")

    def insertion(self, alt: str) -> str:
        """Return the text to insert, escaped so that HTML, templates and Markdown all read it as ``alt``."""
        return WAYS[self.way](alt)


@dataclass(frozen=True)
class DescribedImage:
    """An image that has alt text, or is declared to need none.

    Attributes:
        offset: position in the page's text.
        addresses: of the image; may be empty.
        alt: the alt text, ``None`` where it comes from elsewhere, such as ``aria-label`` or a binding.
        embedded: whether it is Obsidian's ``![[dog.jpg]]``.
    """

    offset: int
    addresses: tuple[str, ...]
    alt: str | None
    embedded: bool = False


@dataclass(frozen=True)
class Findings:
    """The images of a page.

    Attributes:
        missing: images without alt text, in order.
        described: images that have alt text or are declared to need none, in order.
        base: base address of the page, if it has one.
    """

    missing: tuple[MissingAlt, ...]
    described: tuple[DescribedImage, ...]
    base: str = ""

    @property
    def images(self) -> list[MissingAlt | DescribedImage]:
        """All images, in order."""
        every: list[MissingAlt | DescribedImage] = [*self.missing, *self.described]
        return sorted(every, key=lambda image: image.offset)
