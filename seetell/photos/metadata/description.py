"""What is told of a photo, and the properties of XMP that hold it.

``Iptc4xmpCore:AltTextAccessibility`` is "Alt Text (Accessibility)" of the IPTC Photo Metadata Standard since 2021.1,
``dc:description`` its "Description/Caption", ``dc:subject`` its "Keywords". ``lr:hierarchicalSubject``, Adobe's, is
where programs keep keywords in a hierarchy; some, such as Immich, read no others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seetell.photos.metadata.xmp import Outline, Property, with_properties

_DC = "http://purl.org/dc/elements/1.1/"
ALT_TEXT: Property = ("Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "AltTextAccessibility")
DESCRIPTION: Property = ("dc", _DC, "description")
KEYWORDS: Property = ("dc", _DC, "subject")
HIERARCHY: Property = ("lr", "http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject")
DIGIKAM_TAGS: Property = ("digiKam", "http://www.digikam.org/ns/1.0/", "TagsList")


@dataclass(frozen=True)
class Description:
    """What is told of a photo.

    Attributes:
        alt_text: read by screen readers in place of the photo.
        text: the whole sentence.
        keywords: lower case, in the singular; ``None`` if they were not asked for.
    """

    alt_text: str
    text: str
    keywords: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OtherMetadata:
    """What a photo's file tells besides XMP, which nobody who reads XMP shall miss.

    Attributes:
        text: a description; empty if there is none.
        keywords: in their order.
    """

    text: str = ""
    keywords: tuple[str, ...] = field(default=())


def described(xmp: bytes, description: Description, other: OtherMetadata, *, overwrite: bool) -> bytes:
    """Return an XMP document with what is told of a photo, as far as it lacks it.

    A description that stands elsewhere in the file stays the only one. Keywords come after those that are there; a
    document without a hierarchy of keywords gets them there, too, and one that a person made stays as it is. Where
    keywords were asked for and none was found, an empty list says so.

    Args:
        xmp: the document.
        description: of the photo.
        other: what its file tells besides.
        overwrite: whether alt text and description are replaced where they are.

    Raises:
        ValueError: it is not XMP, or not in a form that can be changed.
    """
    texts = {ALT_TEXT: description.alt_text, DESCRIPTION: description.text}
    if other.text and not overwrite:
        del texts[DESCRIPTION]
    lists: dict[Property, list[str]] = {}
    if description.keywords is not None:
        outline = Outline(xmp)
        known = dict.fromkeys([*outline.entries(KEYWORDS), *other.keywords])
        lower = {keyword.lower() for keyword in known}
        lists[KEYWORDS] = [*known, *(keyword for keyword in description.keywords if keyword not in lower)]
        if lists[KEYWORDS] and not {HIERARCHY[1:], DIGIKAM_TAGS[1:]} & outline.properties.keys():
            lists[HIERARCHY] = lists[KEYWORDS]
    return with_properties(xmp, texts, lists, overwrite=overwrite)


def is_described(outline: Outline, other: OtherMetadata, *, keywords: bool) -> bool:
    """Return whether a document lacks neither alt text nor a description, nor a list of keywords if they are asked for.

    The list may be empty.
    """
    there = outline.properties.keys()
    has_text = DESCRIPTION[1:] in there or bool(other.text)
    return ALT_TEXT[1:] in there and has_text and (not keywords or KEYWORDS[1:] in there)
