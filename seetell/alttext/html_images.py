"""Find the images of an HTML page that lack alt text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seetell.alttext.html_tags import Skipped, Tag, tags
from seetell.alttext.missing_alt import Findings, MissingAlt
from seetell.alttext.template_code import has_code

_ALT = re.compile(r"(?:^|[:.\[])alt\]?$")
"""``alt``, and the names with which Vue, Alpine and Angular bind it: ``:alt``, ``v-bind:alt``, ``[attr.alt]``."""

_BOUND_SOURCE = re.compile(r"[:.\[](?:src|srcset)\]?$")
_CANDIDATE = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]*[^\t\n\f\r ,])[^,]*")


def html_findings(text: str) -> Findings:
    """Find the images of a page."""
    return images_among(tags(text))


def images_among(found: Iterable[Tag | Skipped]) -> Findings:
    """Find images among the tags of a page.

    An ``img`` counts as described if it has ``alt``, even an empty one, or other attributes that describe it to screen
    readers or hide it from them.
    """
    missing: list[MissingAlt] = []
    described, base = 0, ""
    sources: list[str] | None = None  # of the open ``picture``
    for tag in found:
        if isinstance(tag, Skipped):
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
            missing.append(_missing_alt(tag, sources or []))
    return Findings(tuple(missing), described, base)


def _described(tag: Tag) -> bool:
    values = {name: attribute.value.strip().lower() for name, attribute in tag.attributes.items()}
    return (
        any(_ALT.search(name) for name in values)
        or values.get("role") in ("presentation", "none")
        or values.get("aria-hidden") == "true"
        or bool(values.get("aria-label") or values.get("aria-labelledby"))
    )


def _missing_alt(tag: Tag, sources: list[str]) -> MissingAlt:
    addresses, position = [], tag.name_end
    for name in ("src", "srcset", "data-src", "data-srcset"):  # the latter two are of lazily loaded images
        attribute = tag.attributes.get(name)
        if attribute is None or not attribute.value.strip():
            continue
        addresses += _candidates(attribute.value) if name.endswith("srcset") else [attribute.value]
        position = attribute.end if position == tag.name_end else position
    templated = tag.templated or any(_BOUND_SOURCE.search(name) for name in tag.attributes)
    templated = templated or any(has_code(address) for address in [*addresses, *sources])
    return MissingAlt(position, tuple(addresses + sources), templated)


def _candidates(srcset: str) -> list[str]:
    if has_code(srcset):
        return [srcset]
    return [candidate[1] for candidate in _CANDIDATE.finditer(srcset)]
