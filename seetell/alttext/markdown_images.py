"""Find the images of a Markdown file that lack alt text, including those of its HTML."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from html import unescape

from seetell.alttext.html_images import images_among
from seetell.alttext.html_tags import escaped, tags
from seetell.alttext.markdown_code import without_code
from seetell.alttext.missing_alt import Findings, MissingAlt
from seetell.alttext.template_code import has_code

_CODE = r"\{\{[^}\n]{0,200}\}\}|\{%[^%\n]{0,200}%\}"
_DESTINATION = rf"""
    (?:<(?P<angled>(?:[^<>\n\\]|\\.)*)>
    |(?P<bare>(?:[^\s()\\{{<\0]|\\.|{_CODE}|\{{(?![{{%])|\((?:[^\s()\\\0]|\\.)*\))+))"""
_TITLE = r"""(?:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)|=\d*x?\d*))?"""
_INLINE = re.compile(rf"!\[\]\(\s*{_DESTINATION}{_TITLE}\s*\)", re.VERBOSE)
_REFERENCE = re.compile(r"!\[\]\[(?P<label>(?:[^\[\]\\\0]|\\.){1,999})\]")
_DEFINITION = re.compile(
    rf"^[ \t>]*\[(?P<label>(?:[^\[\]\\\0]|\\.){{1,999}})\]:[ \t]*\n?[ \t]*{_DESTINATION}", re.MULTILINE | re.VERBOSE
)
_DESCRIBED = re.compile(r"!\[[^\]\0]")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
_HTML_BLOCK = re.compile(
    rf"""^[ \t>]*</?(?:(?:{_BLOCK_TAGS})(?=[\s/>])[^\n]*|[a-z][^<>\n]*>[ \t]*\r?)$  # one of these, or a tag alone
    (?:\n(?![ \t>]*\r?$)[^\n]*)*  # up to an empty line
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")


def markdown_findings(text: str) -> Findings:
    """Find the images of a file (CommonMark 6.4) outside code, comments, scripts and HTML blocks.

    ``![](dog.jpg)`` counts as an image without alt text, as Markdown has no other way to write that; ``<img alt="">``
    declares that none is needed.
    """
    prose = without_code(text)
    found = list(tags(prose, in_markdown=True))
    html = images_among(found)
    in_tags = _Spans([(part.start, part.end) for part in found])
    in_html = _Spans([block.span() for block in _HTML_BLOCK.finditer(prose)])

    def is_prose(position: int) -> bool:
        return position not in in_tags and position not in in_html and not escaped(prose, position)

    missing = []
    for image in _INLINE.finditer(prose):
        if is_prose(image.start()) and not _EMPTY_LINE.search(image[0]):
            missing.append(_missing_alt(image, _address(image)))
    defined = _definitions(prose)
    for image in _REFERENCE.finditer(prose):
        if is_prose(image.start()) and _label(image) in defined:
            missing.append(_missing_alt(image, defined[_label(image)]))
    described = sum(is_prose(image.start()) for image in _DESCRIBED.finditer(prose))
    every = sorted([*missing, *html.missing], key=lambda image: image.offset)
    return Findings(tuple(every), html.described + described, html.base)


class _Spans:
    """A set of positions, given as sorted starts and ends."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._starts, self._ends = [start for start, _ in spans], [end for _, end in spans]

    def __contains__(self, position: int) -> bool:
        before = bisect_right(self._starts, position) - 1
        return before >= 0 and position < self._ends[before]


def _definitions(prose: str) -> dict[str, str]:
    """Return the addresses of references: the first of each label, outside of paragraphs."""
    defined: dict[str, str] = {}
    end = 0
    for definition in _DEFINITION.finditer(prose):
        above = prose.rfind("\n", 0, max(0, definition.start() - 1)) + 1
        line = prose[above : definition.start()].strip(" \t\r\n>\0\ufeff")
        if not line or line.startswith("#") or above < end:
            defined.setdefault(_label(definition), _address(definition))
            end = definition.end()
    return defined


def _missing_alt(image: re.Match[str], address: str) -> MissingAlt:
    return MissingAlt(image.start() + len("!["), (address,) if address else (), has_code(address), markdown=True)


def _address(match: re.Match[str]) -> str:
    written = match["bare"] if match["angled"] is None else match["angled"]
    return unescape(_ESCAPED.sub(r"\1", written))


def _label(match: re.Match[str]) -> str:
    return " ".join(match["label"].split()).casefold()
