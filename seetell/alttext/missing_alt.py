"""Images of a page: those that lack alt text, with the positions to insert it at, and those that have it."""

from __future__ import annotations

from dataclasses import dataclass

from seetell.alttext.syntaxes import SYNTAXES


@dataclass(frozen=True)
class MissingAlt:
    """An image without alt text.

    Attributes:
        offset: position in the page's text at which to insert the alt text.
        addresses: of the image, the preferred one first; may be empty.
        syntax: how alt text is written there, of ``SYNTAXES``.
        templated: whether a template may add alt text or addresses that are not in the page.
        may_have_alt: whether a template may add the alt text itself.
        twin_alt: alt text that a person gave the same image in its ``noscript`` twin, which is then used.
    """

    offset: int
    addresses: tuple[str, ...]
    syntax: str = "html"
    templated: bool = False
    may_have_alt: bool = False
    twin_alt: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether it is Obsidian's ``![[dog.jpg]]``, whose file may lie anywhere in the vault."""
        return self.syntax.startswith("embed")

    @property
    def takes_empty(self) -> bool:
        """Whether an empty alt text can be written, which declares an image to be decoration."""
        return self.syntax in ("html", "shortcode")

    def insertion(self, alt: str) -> str:
        """Return the text to insert, escaped so that HTML, templates and Markdown all read it as ``alt``."""
        return SYNTAXES[self.syntax](alt)


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
