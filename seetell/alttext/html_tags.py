"""Where the tags of an HTML page begin and end, and their attributes, without changing a letter of it.

Reads as browsers do (HTML standard, section 13.2.5): quotes, comments, and elements whose content is no HTML.
``html.parser`` is not used, as what it takes for a comment, a script or a text area differs between Python's versions.
Beyond the standard, code of template languages is passed over. The time is linear in the page, whatever it holds.
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
        value: character references resolved; empty where there is none.
        raw: the value as it is written.
        end: place after it, its quote included.
    """

    value: str
    raw: str
    end: int


@dataclass(frozen=True)
class Tag:
    """A tag of a page.

    Attributes:
        name: in lower case; that of an end tag begins with a slash.
        start: place of its ``<``.
        name_end: place after its name.
        end: place after its ``>``.
        attributes: by their names in lower case; the first of a name, which alone counts.
        templated: whether a template may add to its attributes.
    """

    name: str
    start: int
    name_end: int
    end: int
    attributes: dict[str, Attribute]
    templated: bool


@dataclass(frozen=True)
class Passed:
    """A part of a page that holds no tags: a comment, a script, code of a template."""

    start: int
    end: int


def tags(text: str, *, in_markdown: bool = False) -> Iterator[Tag | Passed]:
    """Find the tags of a page, in order.

    Args:
        text: the page.
        in_markdown: a tag that does not end before the next empty line is then none, a backslash keeps one from
            beginning, and where a comment or element has no end its beginning alone is passed over.
    """
    return _MarkdownScanner(text).scan() if in_markdown else _Scanner(text).scan()


class _Scanner:
    """Reads a page from its beginning to its end."""

    name = _NAME

    def __init__(self, text: str) -> None:
        self.text = text
        self.marks = Marks(text)
        self.stop = len(text)

    def scan(self) -> Iterator[Tag | Passed]:
        place = 0
        while begun := _NEXT.search(self.text, place, self.stop):
            start = begun.start()
            end = self.marks.code_end(start, on_a_line=True) if begun[0] != "<" else self.passed(start)
            if end is not None:
                yield Passed(start, end)
                place = end
                continue
            tag = self.tag(start) if begun[0] == "<" else None
            if tag is None:
                place = begun.end()
                continue
            yield tag
            place = tag.end
            if tag.name in RAW:
                place = self.content_end(tag)
                if place > tag.end:
                    yield Passed(tag.end, place)

    def passed(self, start: int) -> int | None:
        """Return where a comment, declaration or code ends that begins with ``<`` at a place; ``None`` if none does."""
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
        """Return up to where to pass over what has no end."""
        return len(self.text)

    def limit(self, start: int) -> int:
        """Return before which place a tag must end."""
        return len(self.text)

    def tag(self, start: int) -> Tag | None:
        """Read a tag; ``None`` where a ``<`` begins none, or one that does not end."""
        closing = self.text.startswith("/", start + 1)
        name = self.name.match(self.text, start + 1 + closing)
        if name is None:
            return None
        attributes: dict[str, Attribute] = {}
        templated, place, limit = False, name.end(), self.limit(start)
        while True:
            place = _end(_BETWEEN_ATTRIBUTES, self.text, place)
            if place >= limit:
                self.broken(start)
                return None
            if self.text[place] == ">":
                break
            code = self.marks.code_end(place)
            if code is not None:
                templated, place = True, code
                continue
            begin, place = place, _end(_ATTRIBUTE_NAME, self.text, place)
            attribute = self.text[begin:place].lower()
            templated = templated or attribute.startswith("{")
            value_start, value_end, place = self.value(place, limit)
            if place > limit or not self.allowed(attribute):
                self.broken(start)
                return None
            raw = self.text[value_start:value_end]
            attributes.setdefault(attribute, Attribute(unescape(raw), raw, place))
        return Tag("/" * closing + name[0].lower(), start, name.end(), place + 1, attributes, templated)

    def value(self, place: int, limit: int) -> tuple[int, int, int]:
        """Return where the value of an attribute begins and ends whose name ends at a place, and the place after it."""
        begin = _end(_BLANKS, self.text, place)
        if not self.text.startswith("=", begin):
            return place, place, place
        begin = _end(_BLANKS, self.text, begin + 1)
        if self.text.startswith(('"', "'"), begin):
            end = self.marks.find(self.text[begin], begin + 1)
            return (begin, limit, limit + 1) if end < 0 else (begin + 1, end, end + 1)
        end = begin
        while True:  # code in a value without quotes may hold blanks
            end = _end(_BARE, self.text, end)
            code = self.marks.code_end(end)
            if code is None and (end == len(self.text) or self.text[end] in "\t\n\f\r >"):
                return begin, end, end
            end = code or end + 1

    def broken(self, start: int) -> None:
        """Take note of a tag that does not end: for a browser nothing comes after it."""
        self.stop = start

    def allowed(self, attribute: str) -> bool:
        """Whether an attribute may have a name."""
        return True

    def content_end(self, tag: Tag) -> int:
        """Return where the content of an element ends that is text."""
        return _content_end(self.text, tag, len(self.text))


class _MarkdownScanner(_Scanner):
    """Reads HTML that stands in Markdown, among prose where a ``<`` need not begin anything."""

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


def escaped(text: str, place: int) -> bool:
    """Whether an odd number of backslashes stands before a place, as Markdown counts them."""
    before = text[max(0, place - 64) : place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    assert found is not None  # it fits nothing, too
    return found.end()


def _content_end(text: str, tag: Tag, absent: int) -> int:
    """Return where the end tag begins of an element whose content is text, or a number if there is none."""
    if tag.name == "plaintext":
        return absent
    if tag.name == "script":
        return _script_end(text, tag.end, absent)
    end = re.compile(rf"</{tag.name}(?=[\t\n\f\r />])", re.IGNORECASE).search(text, tag.end)
    return end.start() if end else absent


def _script_end(text: str, place: int, absent: int) -> int:
    """Return where a script ends: not at the end of a script that stands within ``<!--`` and ``-->`` in it."""
    commented = nested = False
    for mark in _SCRIPT_MARK.finditer(text, place):
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
