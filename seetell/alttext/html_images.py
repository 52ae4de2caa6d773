"""Images of an HTML page that lack alt text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seetell.alttext.html_tags import Passed, Tag, tags
from seetell.alttext.missing_alt import Findings, Gap
from seetell.alttext.template_code import has_code

_ALT = re.compile(r"(?:^|[:.\[])alt\]?$")
"""``alt``, and the names by which Vue, Alpine and Angular bind it: ``:alt``, ``v-bind:alt``, ``[attr.alt]``."""

_BOUND_SOURCE = re.compile(r"[:.\[](?:src|srcset)\]?$")
_CANDIDATE = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]*[^\t\n\f\r ,])[^,]*")


def html_findings(text: str) -> Findings:
    """Find the images of a page."""
    return images_among(tags(text))


def images_among(found: Iterable[Tag | Passed]) -> Findings:
    """Find images among the tags of a page.

    An ``img`` counts as described if it has ``alt``, be it empty, or tells screen readers otherwise what it is, or to
    pass it over.
    """
    gaps: list[Gap] = []
    described, base = 0, ""
    sources: list[str] | None = None  # of the picture that is open
    for tag in found:
        if isinstance(tag, Passed):
            continue
        if tag.name in ("picture", "/picture"):
            sources = [] if tag.name == "picture" else None
        elif tag.name == "source" and sources is not None and "srcset" in tag.attributes:
            sources += _candidates(tag.attributes["srcset"].value)
        elif tag.name == "base" and not base and "href" in tag.attributes:
            base = tag.attributes["href"].value
        elif tag.name == "img" and _described(tag):
            described += 1
        elif tag.name == "img":
            gaps.append(_gap(tag, sources or []))
    return Findings(tuple(gaps), described, base)


def _described(tag: Tag) -> bool:
    values = {name: attribute.value.strip().lower() for name, attribute in tag.attributes.items()}
    return (
        any(_ALT.search(name) for name in values)
        or values.get("role") in ("presentation", "none")
        or values.get("aria-hidden") == "true"
        or bool(values.get("aria-label") or values.get("aria-labelledby"))
    )


def _gap(tag: Tag, sources: list[str]) -> Gap:
    addresses, place = [], tag.name_end
    for name in ("src", "srcset", "data-src", "data-srcset"):  # the latter two of pages that load images late
        attribute = tag.attributes.get(name)
        if attribute is None or not attribute.value.strip():
            continue
        addresses += _candidates(attribute.value) if name.endswith("srcset") else [attribute.value]
        place = attribute.end if place == tag.name_end else place
    templated = tag.templated or any(_BOUND_SOURCE.search(name) for name in tag.attributes)
    templated = templated or any(has_code(address) for address in [*addresses, *sources])
    return Gap(place, tuple(addresses + sources), templated)


def _candidates(srcset: str) -> list[str]:
    if has_code(srcset):
        return [srcset]
    return [candidate[1] for candidate in _CANDIDATE.finditer(srcset)]
