"""Check pages for images without alt text, and for alt text that says nothing; no photo is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seetell.alttext.alt_text import is_worthless
from seetell.alttext.missing_alt import MissingAlt
from seetell.alttext.page import Page
from seetell.alttext.template_code import has_code

MISSING, WORTHLESS = "missing", "worthless"


@dataclass(frozen=True)
class Problem:
    """An image that needs alt text.

    Attributes:
        line: its line in the page, from 1.
        image: its address in the page; may be empty.
        kind: ``missing`` or ``worthless``.
        alt: its alt text.
    """

    line: int
    image: str
    kind: str
    alt: str = ""

    def __str__(self) -> str:
        what = "no alt text" if self.kind == MISSING else f'alt text "{self.alt}" says nothing of the image'
        return f"{self.line}: {self.image or 'an image without an address'}: {what}"


def problems(page: Page) -> Iterator[Problem]:
    """Yield the problems of a page in order; images whose alt text a template may add are none."""
    for image in page.findings.images:
        address = next(iter(image.addresses), "")
        if isinstance(image, MissingAlt):
            if not image.may_have_alt:
                yield Problem(page.line(image.offset), address, MISSING)
        elif image.alt is not None and not has_code(image.alt) and is_worthless(image.alt, image.addresses):
            yield Problem(page.line(image.offset), address, WORTHLESS, image.alt)
