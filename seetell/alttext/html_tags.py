"""Tokenise an HTML page: the positions of its tags, and their attributes.

Reads as browsers do (HTML standard, section 13.2.5): quotes, comments, and elements whose content is not HTML.
``html.parser`` is not used: what it takes for a comment, a script or a text area differs between versions of Python.
Beyond the standard, code of template languages is skipped. The time is linear in the size of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from seetell.alttext.template_code import Marks

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"})
"""Elements whose content is text to the browser."""

_NEXT = re.compile(r"<|\{[{%#]")
_NAME = re.compile(r"[A-Za-z][^\t\n\f\r />]*")
_MARKDOWN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?=[\t\n\f\r />])")
_MARKDOWN_ATTRIBUTE = re.compile(r"[a-z_:@\[{][^\"'<`]*")
_BLANKS = re.compile(r"[\t\n\f\r ]*")
_BETWEEN_ATTRIBUTES = re.compile(r"[\t\n\f\r /]*")
_ATTRIBUTE_NAME = re.compile(r"=?[^\t\n\f\r />=]*")
_BARE = re.compile(r"[^\t\n\f\r >{<$]*")
_EMPTY_LINE = re.compile(r"\n[ \t]*\r?(?=\n)")
_SCRIPT_MARK = re.compile(r"(?P<open><!--)|(?P<close>-->)|<(?P<end>/?)script(?=[\t\n\f\r />])", re.IGNORECASE)


@dataclass(frozen=True)
class Attribute:
    """An attribute of a tag.

    Attributes:
        value: with character references resolved; empty if there is none.
        raw: the value as written.
        end: position after it, including its quote.
    """

    value: str
    raw: str
    end: int


@dataclass(frozen=True)
class Tag:
    """A tag of a page.

    Attributes:
        name: in lower case; begins with a slash in an end tag.
        start: position of its ``<``.
        name_end: position after its name.
        end: position after its ``>``.
        attributes: by their names in lower case; the first of each name, as in browsers.
        templated: whether a template may add to its attributes.
    """

    name: str
    start: int
    name_end: int
    end: int
    attributes: dict[str, Attribute]
    templated: bool


@dataclass(frozen=True)
class Skipped:
    """A part of a page without tags: a comment, a script, or template code."""

    start: int
    end: int


def tags(text: str, *, in_markdown: bool = False) -> Iterator[Tag | Skipped]:
    """Find the tags of a page, in order.

    Args:
        text: the page.
        in_markdown: a tag must end before the next empty line, a backslash escapes it, and of a comment or element
            without an end only the start is skipped.
    """
    return _MarkdownScanner(text).scan() if in_markdown else _Scanner(text).scan()


class _Scanner:
    """Scans a page from start to end."""

    name = _NAME

    def __init__(self, text: str) -> None:
        self.text = text
        self.marks = Marks(text)
        self.stop = len(text)

    def scan(self) -> Iterator[Tag | Skipped]:
        position = 0
        while begun := _NEXT.search(self.text, position, self.stop):
            start = begun.start()
            end = self.marks.code_end(start, on_a_line=True) if begun[0] != "<" else self.passed(start)
            if end is not None:
                yield Skipped(start, end)
                position = end
                continue
            tag = self.tag(start) if begun[0] == "<" else None
            if tag is None:
                position = begun.end()
                continue
            yield tag
            position = tag.end
            if tag.name in RAW:
                position = self.content_end(tag)
                if position > tag.end:
                    yield Skipped(tag.end, position)

    def passed(self, start: int) -> int | None:
        """Return the end of a comment, declaration or code that starts with ``<`` at a position, or ``None``."""
        code = self.marks.code_end(start)
        if code is not None:
            return code
        following = self.text[start + 1 : start + 9]
        if following.startswith("!--"):
            if self.text.startswith((">", "->"), start + 4):
                return self.text.index(">", start) + 1
            ends = (self.marks.find("-->", start + 4), self.marks.find("--!>", start + 4))
            end = min((at for at in ends if at >= 0), default=None)
            return self.unended(start) if end is None else self.text.index(">", end) + 1
        if following == "![CDATA[":
            return self.after("]]>", start)
        if following[:1] in ("!", "?") or (following[:1] == "/" and not following[1:2].isalpha()):
            return self.after(">", start)
        return None

    def after(self, mark: str, start: int) -> int:
        at = self.marks.find(mark, start)
        return self.unended(start) if at < 0 else at + len(mark)

    def unended(self, start: int) -> int:
        """Return where to resume after a construct without an end."""
        return len(self.text)

    def limit(self, start: int) -> int:
        """Return the position before which a tag must end."""
        return len(self.text)

    def tag(self, start: int) -> Tag | None:
        """Read a tag; ``None`` if a ``<`` starts none, or one without an end."""
        closing = self.text.startswith("/", start + 1)
        name = self.name.match(self.text, start + 1 + closing)
        if name is None:
            return None
        attributes: dict[str, Attribute] = {}
        templated, position, limit = False, name.end(), self.limit(start)
        while True:
            position = _end(_BETWEEN_ATTRIBUTES, self.text, position)
            if position >= limit:
                self.broken(start)
                return None
            if self.text[position] == ">":
                break
            code = self.marks.code_end(position)
            if code is not None:
                templated, position = True, code
                continue
            begin, position = position, _end(_ATTRIBUTE_NAME, self.text, position)
            attribute = self.text[begin:position].lower()
            templated = templated or attribute.startswith("{")
            value_start, value_end, position = self.value(position, limit)
            if position > limit or not self.allowed(attribute):
                self.broken(start)
                return None
            raw = self.text[value_start:value_end]
            attributes.setdefault(attribute, Attribute(unescape(raw), raw, position))
        return Tag("/" * closing + name[0].lower(), start, name.end(), position + 1, attributes, templated)

    def value(self, position: int, limit: int) -> tuple[int, int, int]:
        """Return start, end and following position of the value of an attribute whose name ends at a position."""
        begin = _end(_BLANKS, self.text, position)
        if not self.text.startswith("=", begin):
            return position, position, position
        begin = _end(_BLANKS, self.text, begin + 1)
        if self.text.startswith(('"', "'"), begin):
            end = self.marks.find(self.text[begin], begin + 1)
            return (begin, limit, limit + 1) if end < 0 else (begin + 1, end, end + 1)
        end = begin
        while True:  # code in an unquoted value may contain white space
            end = _end(_BARE, self.text, end)
            code = self.marks.code_end(end)
            if code is None and (end == len(self.text) or self.text[end] in "\t\n\f\r >"):
                return begin, end, end
            end = code or end + 1

    def broken(self, start: int) -> None:
        """Handle a tag without an end: for a browser nothing follows it."""
        self.stop = start

    def allowed(self, attribute: str) -> bool:
        """Return whether an attribute name is allowed."""
        return True

    def content_end(self, tag: Tag) -> int:
        """Return the end of an element's text content."""
        return _content_end(self.text, tag, len(self.text))


class _MarkdownScanner(_Scanner):
    """Scans HTML within Markdown, where a ``<`` need not start a tag."""

    name = _MARKDOWN_NAME

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._endless: set[str] = set()
        self._limit = -1

    def tag(self, start: int) -> Tag | None:
        return None if escaped(self.text, start) else super().tag(start)

    def limit(self, start: int) -> int:
        if self._limit < start:
            line = _EMPTY_LINE.search(self.text, start)
            self._limit = line.start() if line else len(self.text)
        return self._limit

    def after(self, mark: str, start: int) -> int:
        end = super().after(mark, start)
        return end if end <= self.limit(start) else self.unended(start)

    def unended(self, start: int) -> int:
        return start + 2

    def broken(self, start: int) -> None:
        pass

    def allowed(self, attribute: str) -> bool:
        return _MARKDOWN_ATTRIBUTE.fullmatch(attribute) is not None

    def content_end(self, tag: Tag) -> int:
        if tag.name in self._endless or tag.name == "title":
            return tag.end
        end = _content_end(self.text, tag, -1)
        if end >= 0:
            return end
        self._endless.add(tag.name)
        return tag.end


def escaped(text: str, position: int) -> bool:
    """Return whether an odd number of backslashes precedes a position, which escapes it in Markdown."""
    before = text[max(0, position - 64) : position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    assert found is not None  # it matches the empty string
    return found.end()


def _content_end(text: str, tag: Tag, absent: int) -> int:
    """Return the start of the end tag of an element with text content, or ``absent`` if there is none."""
    if tag.name == "plaintext":
        return absent
    if tag.name == "script":
        return _script_end(text, tag.end, absent)
    end = re.compile(rf"</{tag.name}(?=[\t\n\f\r />])", re.IGNORECASE).search(text, tag.end)
    return end.start() if end else absent


def _script_end(text: str, position: int, absent: int) -> int:
    """Return the end of a script: not that of a script nested in it between ``<!--`` and ``-->``."""
    commented = nested = False
    for mark in _SCRIPT_MARK.finditer(text, position):
        if mark["open"]:
            commented = True
        elif mark["close"]:
            commented = nested = False
        elif mark["end"] and not nested:
            return mark.start()
        elif mark["end"]:
            nested = False
        else:
            nested = commented
    return absent
