"""Blocks in which site generators show code: their marks, with all between them, are masked."""

from __future__ import annotations

import re

MASK = "\0"
_NAME = r"(?:[\w-]*(?:code|highlight|listing)[\w-]*|prism|pygments|comment|nomarkdown)"
_FAMILIES = (
    # Liquid, Jinja, Nunjucks, Zola: {% highlight md %} … {% endhighlight %}
    (
        "{%",
        re.compile(
            rf"(?<!`)\{{%-?\s*(?:(?P<end>end)(?:[_-]?(?P<ended>{_NAME}))?|(?P<name>{_NAME}))(?![\w-])[^\n]{{0,300}}?%\}}"
        ),
    ),
    # Hugo: {{< highlight md >}} … {{< /highlight >}}; Handlebars: {{#code}} … {{/code}}
    (
        "{{",
        re.compile(
            rf"(?<!`)\{{\{{(?:[<%]?\s*(?P<end>/)\s*(?P<ended>{_NAME})|[<%#]\s*(?P<name>{_NAME}))(?![\w-])[^{{}}\n]*\}}\}}"
        ),
    ),
    # kramdown: {::comment} … {:/comment} or {:/}
    ("{::", re.compile(r"\{(?:(?P<end>:/)(?P<ended>\w*)|::(?P<name>comment|nomarkdown))[^{}\n]*\}")),
    # WordPress: [code language="html"] … [/code]
    ("[/", re.compile(r"(?<!`)\[(?:(?P<end>/)(?P<ended>(?:source)?code)|(?P<name>(?:source)?code)\b[^\[\]\n]*)\]")),
    # MyST, Docusaurus and VitePress: :::{code-block} md … :::
    (
        ":::",
        re.compile(
            r"^[ \t>]*:{3,}[ \t]*(?:\{?(?P<name>[\w-]*(?:code|literal)[\w-]*)(?![^\n]*:::)[^\n]*"
            r"|(?P<end>)(?P<ended>)\r?)$",
            re.MULTILINE,
        ),
    ),
)
"""For each family what occurs in every block, and its opening and closing marks."""


def without_shown_code(text: str) -> str:
    """Mask the blocks that show code, and comments, in the template languages of site generators.

    Returns:
        A text of the same length, with the same line breaks.
    """
    for sign, marks in _FAMILIES:
        if sign in text:
            text = masked(text, _blocks(text, marks))
    return text


def masked(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with parts masked, but for their line breaks.

    Args:
        text: the text.
        spans: starts and ends of the parts, in order.
    """
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], re.sub(r"[^\r\n]", MASK, text[max(start, position) : end])]
        position = max(position, end)
    return "".join([*pieces, text[position:]])


def _blocks(text: str, marks: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return the spans from each opening mark to the closing mark of its name; a mark without the other is none."""
    spans: list[tuple[int, int]] = []
    opened: dict[str, int] = {}
    for mark in marks.finditer(text):
        if mark["end"] is None:
            opened[mark["name"]] = mark.start()
        elif (name := mark["ended"] or next(reversed(opened), "")) in opened:
            spans.append((opened[name], mark.end()))
            opened.clear()
    return spans
