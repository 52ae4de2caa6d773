"""The blocks of a Markdown file: where its text stands and what is code, as CommonMark's parser reads them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference

from seetell.alttext.html_tags import escaped
from seetell.alttext.shown_code import masked, without_shown_code

DEEPEST = 100
"""Quotations and lists within each other; what stands deeper is not read."""

_FRONT_MATTER = re.compile(
    r"\ufeff?(?P<mark>---|\+\+\+)[ \t]*\w*[ \t]*\r?\n(?s:.*?)^(?:(?P=mark)|\.\.\.)[ \t]*\r?$", re.MULTILINE
)
_LINE = re.compile(r"\r\n?|\n")
_TICKS = re.compile(r"`+")
_TEMPLATE = re.compile(r"\{\{[^}\n]{0,200}\}\}|\{%[^%\n]{0,200}%\}")
_RAW = re.compile(r"\s*<(?:script|style|textarea|!--)", re.IGNORECASE)
_BLANK = "\ue000"
"""Stands for a blank in template code, which the parser then takes for a part of an address."""

ATTRIBUTE_LIST = r"""\{(?![{%])(?:[^{}"'\0]|(?<!\w)"[^"\0]*"|(?<!\w)'[^'\0]*'|(?<=\w)["'])*\}"""
_DEFINITION = re.compile(
    rf"^[ \t>]*\[(?P<label>(?:[^\[\]\\\n]|\\.){{1,999}})\]:[ \t]*\S.*?[ \t](?P<list>{ATTRIBUTE_LIST})[ \t]*\r?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Text:
    """A paragraph, a heading or a row of a table.

    Attributes:
        start: position of its first line.
        end: position after its last line.
        in_table: whether it is a row of a table.
    """

    start: int
    end: int
    in_table: bool


@dataclass(frozen=True)
class Blocks:
    """A file as its parser reads it.

    Attributes:
        prose: the file's text with front matter and all code masked; of the same length, with the same line breaks.
        texts: its paragraphs, headings and rows of tables, in order; outside of them is no Markdown's image.
        addresses: of its references, by their labels, see :func:`label_of`.
        attributes: attribute lists that Pandoc allows behind these addresses.
    """

    prose: str
    texts: tuple[Text, ...]
    addresses: Mapping[str, str]
    attributes: Mapping[str, str]


def label_of(written: str) -> str:
    """Return the label of a reference in the form that labels are compared in."""
    return str(normalizeReference(written))


def read_blocks(text: str) -> Blocks:
    """Read a file: front matter, fenced and indented code, code spans, generators' code blocks, references."""
    begin = _FRONT_MATTER.match(text)
    lines = [0, *(line.end() for line in _LINE.finditer(text)), len(text)]
    attributes = {label_of(found["label"]): found["list"] for found in _DEFINITION.finditer(text)}
    reader = _TEMPLATE.sub(lambda code: re.sub(r"\s", _BLANK, code[0]), text)
    reader = _DEFINITION.sub(lambda found: found[0].replace(found["list"], " " * len(found["list"])), reader)
    if begin is not None:
        reader = re.sub(r"[^\r\n]", " ", reader[: begin.end()]) + reader[begin.end() :]
    state: dict[str, dict[str, dict[str, str]]] = {}
    texts: dict[tuple[int, int], bool] = {}
    html: list[Text] = []
    code, in_table = [] if begin is None else [begin.span()], False
    for token in _Parser().parse(reader.removeprefix("\ufeff"), state):
        in_table = token.type == "table_open" or (in_table and token.type != "table_close")
        if token.map is None:
            continue
        span = lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)]
        if token.type in ("fence", "code_block"):
            code.append(span)
        elif token.type == "inline":
            texts[span] = in_table
        elif token.type == "html_block" and not _RAW.match(token.content):
            html.append(Text(*span, in_table=False))
    prose = without_shown_code(masked(text, code))
    found = tuple(Text(*span, table) for span, table in sorted(texts.items()))
    every = sorted((*found, *html), key=lambda part: part.start)  # some generators read Markdown within HTML, too
    prose = masked(prose, list(chain.from_iterable(_code_spans(prose, part) for part in every)))
    addresses = {name: target["href"].replace(_BLANK, " ") for name, target in state.get("references", {}).items()}
    return Blocks(prose, found, addresses, attributes)


class _Parser(MarkdownIt):
    """Reads blocks and references only, and leaves addresses as they are."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"maxNesting": DEEPEST})
        self.enable("table")
        self.core.ruler.enableOnly(["normalize", "block"])

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


def _code_spans(prose: str, part: Text) -> list[tuple[int, int]]:
    """Return the code spans of a text: what stands between runs of equally many backticks (CommonMark 6.1)."""
    runs = [(run.start(), run.end()) for run in _TICKS.finditer(prose, part.start, part.end)]
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, (start, end) in enumerate(runs):
        numbers[end - start].append(number)
    spans, number = [], 0
    while number < len(runs):
        start, end = runs[number]
        start += escaped(prose, start)
        same = numbers[end - start]
        after = bisect_right(same, number)
        if after < len(same):
            number = same[after]
            spans.append((start, runs[number][1]))
        number += 1
    return spans
