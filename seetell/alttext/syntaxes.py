"""How alt text is written in HTML, Markdown, Obsidian's embeds and Hugo's shortcodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape

_IN_MARKDOWN = {**{sign: f"\\{sign}" for sign in "\\*_[]&{}|~$"}, "`": "&#96;", "<": "&lt;", ">": "&gt;"}
"""A backslash does not keep a backtick from ending a code span, nor ``>`` from ending a tag (CommonMark 6.1)."""


def _in_html(alt: str) -> str:
    value = escape(alt)
    for sign in "{`":
        value = value.replace(sign, f"&#{ord(sign)};")
    return f' alt="{value}"'


def _in_markdown(alt: str) -> str:
    return "".join(_IN_MARKDOWN.get(sign, sign) for sign in alt)


def _in_embed(alt: str) -> str:
    """Obsidian has no escapes: what would end the text is left out."""
    return "|" + " ".join(re.sub(r"[\[\]|\\]", " ", alt).split())


def _in_table_embed(alt: str) -> str:
    return "\\" + _in_embed(alt)


def _in_shortcode(alt: str) -> str:
    value = alt.replace("\\", "\\\\").replace('"', '\\"').replace("{{", "{ {").replace("}}", "} }")
    return f' alt="{value}"'


SYNTAXES: Mapping[str, Callable[[str], str]] = {
    "html": _in_html,
    "markdown": _in_markdown,
    "embed": _in_embed,
    "embed in a table": _in_table_embed,
    "shortcode": _in_shortcode,
}
"""By name, what writes alt text, escaped so that the page's readers read it unchanged."""
