"""Find the images of an HTML page, with and without alt text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seetell.alttext.html_tags import Attribute, Skipped, Tag, tags
from seetell.alttext.missing_alt import DescribedImage, Findings, MissingAlt
from seetell.alttext.shown_code import without_shown_code
from seetell.alttext.template_code import has_code

_ALT = re.compile(r"(?:^|[:.\[])alt\]?$")
"""``alt``, and the names with which Vue, Alpine and Angular bind it: ``:alt``, ``v-bind:alt``, ``[attr.alt]``."""

_BOUND_SOURCE = re.compile(r"[:.\[](?:src|srcset)\]?$|^v-lazy")
_LAZY = re.compile(
    r"(?!.*(?:zoom|full|large|hi-?res|hover|roll|retina|fallback|placeholder|thumb|low|error|mobile|type|method))"
    r"(?:(?:data|nitro)-[\w-]*(?:src|lazy|layzr|aload|original|echo|defer|delayed)|lazy)[\w-]*"
)
"""Attributes from which scripts load an image when it scrolls into view: ``data-src``, ``data-lazy-srcset`` …"""
_PLACEHOLDER = re.compile(
    r"data:|.*\.(?:gif|svg)(?:[?#].*)?$"
    r"|.*(?:placeholder|spinner|loading|loader|preload|blank|spacer|lazy|1x1|pixel|transparent|dummy|empty|dots)",
    re.IGNORECASE,
)
_PHOTO = re.compile(r"\.(?:jpe?g|png|webp|avif|tiff?|bmp)(?:[?#].*)?$", re.IGNORECASE)
_CANDIDATE = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]*[^\t\n\f\r ,])[^,]*")


@dataclass
class _Image:
    """An ``img`` with the addresses of its ``picture``, before it is compared with its ``noscript`` twin."""

    tag: Tag
    sources: list[str] = field(default_factory=list)
    lazy_sources: list[str] = field(default_factory=list)
    twin: _Image | None = None
    in_noscript: bool = False

    def __post_init__(self) -> None:
        attributes = self.tag.attributes
        self.lazy = [
            *_addresses(attributes, sorted(filter(_LAZY.fullmatch, attributes), key=_rank)),
            *self.lazy_sources,
        ]
        self.plain = _addresses(attributes, ("src",))
        self.others = [*_addresses(attributes, ("srcset",)), *self.sources]
        if self.is_placeholder and not self.lazy:
            named = (name for name in attributes if name.startswith("data-") and _PHOTO.search(attributes[name].value))
            self.lazy = [attributes[name].value for name in named]

    @property
    def addresses(self) -> list[str]:
        """Those of the image that a reader sees, not of what stands in its place until it is loaded."""
        if self.lazy:
            return self.lazy + [address for address in self.others if not _PLACEHOLDER.match(address)]
        if self.twin is not None and not self.in_noscript:
            return self.twin.addresses
        return self.plain + self.others

    @property
    def is_placeholder(self) -> bool:
        """Whether it looks as if another image took its place later."""
        return (
            bool(self.lazy)
            or not (self.plain or self.others)
            or _PLACEHOLDER.match((self.plain + self.others)[0]) is not None
            or "lazy" in self.value("class").lower()
        )

    @property
    def alt(self) -> str | None:
        """The alt text that stands in the page."""
        return self.value("alt") if "alt" in self.tag.attributes else None

    def value(self, name: str) -> str:
        return self.tag.attributes[name].value if name in self.tag.attributes else ""


def html_findings(text: str) -> Findings:
    """Find the images of a page."""
    text = without_shown_code(text)
    return images_among(list(tags(text)), text)


def images_among(found: Sequence[Tag | Skipped], text: str) -> Findings:
    """Find images among the tags of a page.

    An ``img`` counts as described if it has ``alt``, even an empty one, or other attributes that describe it to screen
    readers or hide it from them.

    Args:
        found: the tags, in order.
        text: the page.
    """
    images: dict[int, _Image] = {}
    base = ""
    sources: tuple[list[str], list[str]] | None = None  # of the open ``picture``, and its lazy ones
    for number, tag in enumerate(found):
        if isinstance(tag, Skipped):
            continue
        if tag.name in ("picture", "/picture"):
            sources = ([], []) if tag.name == "picture" else None
        elif tag.name == "source" and sources is not None:
            sources[0].extend(_addresses(tag.attributes, ("srcset",)))
            sources[1].extend(_addresses(tag.attributes, filter(_LAZY.fullmatch, tag.attributes)))
        elif tag.name == "base" and not base and "href" in tag.attributes:
            base = tag.attributes["href"].value
        elif tag.name == "img":
            ordinary, lazy = sources or ((), ())
            images[number] = _Image(tag, [*ordinary], [*lazy])
    _find_twins(images, found, text)
    described = tuple(
        DescribedImage(image.tag.start, tuple(image.addresses), image.alt)
        for image in images.values()
        if _described(image.tag)
    )
    missing = tuple(_missing_alt(image) for image in images.values() if not _described(image.tag))
    return Findings(missing, described, base)


def describes(attributes: Mapping[str, str]) -> bool:
    """Return whether attributes, by their names, describe an image to screen readers or hide it from them."""
    values = {name: value.strip().lower() for name, value in attributes.items()}
    return (
        any(_ALT.search(name) for name in values)
        or values.get("role") in ("presentation", "none")
        or values.get("aria-hidden") == "true"
        or bool(values.get("aria-label") or values.get("aria-labelledby"))
    )


def _described(tag: Tag) -> bool:
    return describes({name: attribute.value for name, attribute in tag.attributes.items()})


def _find_twins(images: Mapping[int, _Image], found: Sequence[Tag | Skipped], text: str) -> None:
    """Pair images that are loaded by a script with those shown without one, in a ``noscript`` right beside them."""
    for number, image in images.items():
        before, after = _neighbour(found, text, number, -1), _neighbour(found, text, number, 1)
        if before is None or after is None or (_name(found, before), _name(found, after)) != ("noscript", "/noscript"):
            continue
        for place, step in ((before, -1), (after, 1)):
            beside = _neighbour(found, text, place, step)
            other = None if beside is None else images.get(beside)
            if other is not None and other.twin is None and other.is_placeholder:
                image.twin, other.twin, image.in_noscript = other, image, True
                break


def _neighbour(found: Sequence[Tag | Skipped], text: str, number: int, step: int) -> int | None:
    """Return the number of the tag beside another, but for those of a ``picture``, if only white space is between."""
    while 0 <= number + step < len(found):
        first, second = sorted((number, number + step))
        if text[found[first].end : found[second].start].strip():
            return None
        number += step
        if _name(found, number) not in ("picture", "/picture", "source"):
            return number
    return None


def _name(found: Sequence[Tag | Skipped], number: int) -> str:
    tag = found[number]
    return tag.name if isinstance(tag, Tag) else ""


def _missing_alt(image: _Image) -> MissingAlt:
    tag, addresses = image.tag, image.addresses
    own = (tag.attributes[name].end for name in ("src", "srcset") if image.value(name).strip())
    lazy = (tag.attributes[name].end for name in tag.attributes if _LAZY.fullmatch(name) and image.value(name).strip())
    position = next(own, next(lazy, tag.name_end))
    bound = any(_BOUND_SOURCE.search(name) for name in tag.attributes)
    return MissingAlt(
        position,
        tuple(addresses),
        templated=tag.templated or bound or any(has_code(address) for address in addresses),
        may_have_alt=tag.templated,
        twin_alt=None if image.twin is None or image.twin.tag.templated else image.twin.alt,
    )


def _rank(name: str) -> tuple[bool, bool]:
    return name != "data-src", name != "data-srcset"


def _addresses(attributes: Mapping[str, Attribute], names: Iterable[str]) -> list[str]:
    """Return the addresses in attributes; other values of uncommon names, such as ``data-lazy="true"``, are none."""
    addresses: list[str] = []
    for name in names:
        value = attributes[name].value if name in attributes else ""
        if "srcset" in name and not has_code(value):
            addresses += [candidate[1] for candidate in _CANDIDATE.finditer(value)]
        elif value.strip() and (name.endswith(("src", "srcset")) or re.search(r"[./{]", value)):
            addresses.append(value)
    return addresses
