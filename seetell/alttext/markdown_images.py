"""Find the images of a Markdown file: CommonMark's, Obsidian's embeds, Hugo's figures, and those of its HTML."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from html import unescape

from seetell.alttext.html_images import describes, images_among
from seetell.alttext.html_tags import Skipped, Tag, escaped, tags
from seetell.alttext.markdown_blocks import ATTRIBUTE_LIST, Blocks, label_of, read_blocks
from seetell.alttext.missing_alt import DescribedImage, Findings, MissingAlt
from seetell.alttext.shown_code import masked
from seetell.alttext.template_code import has_code
from seetell.photos.formats import SUFFIXES

_CODE = r"\{\{[^}\n]{0,200}\}\}|\{%[^%\n]{0,200}%\}"
_DESTINATION = rf"""
    (?:<(?P<angled>(?:[^<>\n\\]|\\.)*)>
    |(?P<bare>(?:[^\s()\\{{<\0]|\\.|{_CODE}|\{{(?![{{%])|\((?:[^\s()\\\0]|\\.)*\))+))"""
_ANGLED = re.compile(
    r"""(?:(?<!\\)\]\(\s{0,99}|^[ \t>]{0,99}\[(?:[^\[\]\\\n]|\\.){1,999}\]:[ \t]{0,99}(?:\r?\n[ \t]{0,99})?)
    (?P<address><(?:[^<>\n\\]|\\.)*>)""",
    re.VERBOSE | re.MULTILINE,
)
"""Addresses in angle brackets, of images, links and references, which are no tags even if they begin as ``<img/``."""
_TITLE = r"""(?:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)|=\d*x?\d*))?"""
_IMAGE = re.compile(
    rf"""!\[(?P<alt>(?:[^\[\]\\]|\\.|\[(?:[^\[\]\\]|\\.)*\])*)\]
    (?:\(\s*{_DESTINATION}{_TITLE}\s*\)|\[(?P<label>(?:[^\[\]\\\0]|\\.){{0,999}})\])?""",
    re.VERBOSE | re.DOTALL,
)
_EMBED = re.compile(r"!\[\[(?P<target>[^\[\]|\n\\\0]+)(?P<rest>(?:\\?\|[^\[\]\n\0]*)?)\]\](?![(\[])")
_EMBEDDED = SUFFIXES | {".svg", ".avif"}
_SIZE = r"\s*\d+(?:\s*[x×]\s*\d+)?\s*"
_ONLY_SIZE = re.compile(rf"\s*\\?\|{_SIZE}")
"""Obsidian's ``![|300](dog.jpg)``, whose alt text would stand before the bar."""
_FIGURE = re.compile(r"\{\{[<%]\s*figure\s(?P<parameters>[^{}]*?)/?[>%]\}\}")
_ATTRIBUTE = re.compile(
    r"""(?P<name>[\w:.-]+)\s*=\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|`(?P<raw>[^`]*)`|(?P<bare>[^\s}"']*))"""
)
_ATTRIBUTES_AFTER = re.compile(
    rf"[ \t]*(?P<list>{ATTRIBUTE_LIST})|[ \t]*\r?\n[ \t>]*(?P<below>{ATTRIBUTE_LIST})[ \t]*\r?(?=\n|\Z)"
)
_ATTRIBUTES_ABOVE = re.compile(rf"[ \t>]*(?P<list>{ATTRIBUTE_LIST})[ \t]*\r?\n[ \t>]*\Z")
_NAMED_LIST = re.compile(r"^[ \t>]*\{:(?P<name>[\w-]+):\s(?P<list>[^{}\0]*)\}", re.MULTILINE)
"""kramdown's attribute list definitions, ``{:dog: alt="A dog"}``."""
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
_VERBATIM = re.compile(r"pre|code|kbd|samp|var|tt|listing|[\w-]*code[\w-]*")
"""Elements in which some generators show Markdown as it is, and others what it stands for."""

Found = MissingAlt | DescribedImage


def markdown_findings(text: str) -> Findings:
    """Find the images of a file outside code, comments, scripts and HTML blocks.

    ``![](dog.jpg)`` counts as an image without alt text, as Markdown has no other way to write that; ``<img alt="">``
    declares that none is needed, and so does an attribute list such as ``{alt=""}`` behind the image.
    """
    blocks = read_blocks(text)
    addresses = [address.span("address") for address in _ANGLED.finditer(blocks.prose)]
    found = list(tags(masked(blocks.prose, addresses), in_markdown=True))
    html = images_among(found, blocks.prose)
    in_tags = _Spans([*((part.start, part.end) for part in found), *_verbatim(found)])
    within = _Spans([(part.start + 1, part.end) for part in found])
    images = [
        image
        for image in (*_images(text, blocks, in_tags), *_figures(blocks.prose, within), *html.missing, *html.described)
        if image is not None
    ]
    images.sort(key=lambda image: image.offset)
    return Findings(
        tuple(image for image in images if isinstance(image, MissingAlt)),
        tuple(image for image in images if isinstance(image, DescribedImage)),
        html.base,
    )


class _Spans:
    """A set of positions, given as starts and ends."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __contains__(self, position: int) -> bool:
        before = bisect_right(self._starts, position) - 1
        return before >= 0 and position < self._ends[before]


def _verbatim(found: Sequence[Tag | Skipped]) -> Iterator[tuple[int, int]]:
    """Yield the elements that show their content as it is; one without an end tag is none."""
    opened: dict[str, int] = {}
    for tag in found:
        if isinstance(tag, Skipped):
            continue
        name = tag.name.lstrip("/")
        if tag.name != name and name in opened:
            yield opened.pop(name), tag.end
        elif tag.name == name and _VERBATIM.fullmatch(name):
            opened.setdefault(name, tag.start)


def _images(text: str, blocks: Blocks, in_tags: _Spans) -> Iterator[Found | None]:
    """Yield the images of Markdown and of Obsidian."""
    prose = blocks.prose
    named = {found["name"] for found in _NAMED_LIST.finditer(prose) if _gives_alt(found["list"], frozenset())}
    for part in blocks.texts:
        for embed in _EMBED.finditer(prose, part.start, part.end):
            if embed.start() not in in_tags and not escaped(prose, embed.start()):
                yield _embed(embed, in_table=part.in_table)
        for image in _IMAGE.finditer(prose, part.start, part.end):
            if image.start() in in_tags or escaped(prose, image.start()) or _EMPTY_LINE.search(image[0]):
                continue
            alt = text[image.start("alt") : image.end("alt")]
            address, listed = _address(image, alt, blocks)
            if address is None:
                continue
            listed += _lists_beside(prose, image, part.start)
            if _gives_alt(listed, named):
                yield DescribedImage(image.start(), (address,), _attributes(listed).get("alt"))
            elif alt and not _ONLY_SIZE.fullmatch(alt):
                yield DescribedImage(image.start(), (address,), _ESCAPED.sub(r"\1", alt))
            else:
                addresses = (address,) if address else ()
                yield MissingAlt(image.start("alt"), addresses, "markdown", templated=has_code(address))


def _address(image: re.Match[str], alt: str, blocks: Blocks) -> tuple[str | None, str]:
    """Return an image's address, ``None`` if it is no image, and the attributes beside its reference's definition."""
    written = image["bare"] if image["angled"] is None else image["angled"]
    if written is not None:
        return unescape(_ESCAPED.sub(r"\1", written)), ""
    label = label_of(image["label"] or alt)
    return blocks.addresses.get(label), blocks.attributes.get(label, "")


def _lists_beside(prose: str, image: re.Match[str], start: int) -> str:
    """Return the attribute lists right behind an image, in the line below it, or above it at the start of its text."""
    lists, position = "", image.end()
    while after := _ATTRIBUTES_AFTER.match(prose, position):
        lists += after["list"] or after["below"]
        position = after.end()
    above = _ATTRIBUTES_ABOVE.match(prose, start, image.start())
    return lists + (above["list"] if above else "")


def _gives_alt(listed: str, named: frozenset[str] | set[str]) -> bool:
    return describes(_attributes(listed)) or any(name in named for name in re.findall(r"(?<![\w.#=-])[\w-]+", listed))


def _attributes(listed: str) -> Mapping[str, str]:
    """Return the attributes of a list; Quarto's ``fig-alt`` as ``alt``."""
    attributes: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(listed):
        value = next(found[way] for way in ("double", "single", "raw", "bare") if found[way] is not None)
        name = found["name"].lower().lstrip(":")
        attributes.setdefault("alt" if name in ("fig-alt", "fig.alt") else name, value)
    return attributes


def _embed(embed: re.Match[str], *, in_table: bool) -> Found | None:
    target = embed["target"].split("#")[0].strip()
    if os.path.splitext(target)[1].lower() not in _EMBEDDED:
        return None  # a note or another file
    words = [part for part in re.split(r"\\?\|", embed["rest"])[1:] if part.strip() and not re.fullmatch(_SIZE, part)]
    if words:
        return DescribedImage(embed.start(), (target,), " ".join(words), embedded=True)
    return MissingAlt(embed.end("target"), (target,), "embed in a table" if in_table else "embed")


def _figures(prose: str, in_tags: _Spans) -> Iterator[Found]:
    """Yield Hugo's ``{{< figure src="dog.jpg" >}}``, whose alt text is its caption where it has none of its own."""
    for figure in _FIGURE.finditer(prose):
        given = _attributes(figure["parameters"])
        if not given.get("src") or figure.start() in in_tags:
            continue
        if "alt" in given or given.get("caption"):
            yield DescribedImage(figure.start(), (given["src"],), given.get("alt", given.get("caption")))
            continue
        source = next(
            found for found in _ATTRIBUTE.finditer(prose, figure.start("parameters")) if found["name"] == "src"
        )
        yield MissingAlt(source.end(), (given["src"],), "shortcode", templated=has_code(given["src"]))
