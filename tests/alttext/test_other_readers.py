"""A browser, and CommonMark's parser, read a filled page as they read it before, but for the alt text."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from web import browser as chromium

from seetell.alttext.html_images import html_findings
from seetell.alttext.markdown_images import markdown_findings
from seetell.alttext.missing_alt import Findings

ALT = 'A [dog] & `cat` -->_"<b>".'
IN_HTML = re.compile(r' alt="A \[dog\] &amp; (?:`|&#96;)cat(?:`|&#96;) --&gt;_&quot;&lt;b&gt;&quot;\."')


def filled(page: str, findings: Findings) -> tuple[str, int]:
    """Return a page with alt text wherever a template has no say, and how often."""
    all_missing = [missing for missing in findings.missing if not missing.templated]
    for missing in reversed(all_missing):
        page = page[: missing.offset] + missing.insertion(ALT) + page[missing.offset :]
    return page, len(all_missing)


MARKDOWN = [
    "![](a.jpg)", "![](", "![](<b c.jpg> 'title')", "![][a]", "![]", "![a][]", "![dog](a.jpg)", "[![](a.jpg)](b)",
    "\n[a]: b.jpg\n", "\n\n", "\n", "\r\n", "    ", "\t", "- ", "1. ", "> ", "# ", "`", "``", "\n```\n", "\n~~~ html\n",
    "\\", "*", "_", "[", "]", "(", ")", "text ", "é", "&amp;", "<b>", "<https://a.b>",
    "| a | b |\n|---|---|\n", "---\n",
]  # fmt: skip


@pytest.mark.nightly
@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(MARKDOWN), max_size=30).map("".join))
def test_commonmark_reads_the_same_document(text: str):
    full, count = filled(text, markdown_findings(text))
    reader = MarkdownIt("commonmark").enable("table")
    before, after = reader.render(text), reader.render(full)
    assert IN_HTML.sub(' alt=""', after) == before
    assert len(IN_HTML.findall(after)) == count


HTML = [
    "<img src=a.jpg>", "<img ", "<IMG\n SRC='a b.jpg' ", "<img alt='' src=a.jpg>", "<img src=a.jpg ALT>",
    '<img srcset="a.jpg 1x, b.jpg 2x"', "<img src=a.jpg/>", "src=a.jpg", "alt=x", 'title="a > b"', "=", "'", '"', ">",
    "/>", "/", " ", "\n", "\r\n", "\t", "\f", "<", "</", "<!--", "-->", "--!>", "<!-->", "<!doctype html>", "<?x ?>",
    "<script>", "</script>", "<script><!--", "<style>", "</style>", "<textarea>", "</textarea>",
    "<title>", "</title>", "<template>", "</template>", "<noscript>", "</noscript>", "<picture>", "</picture>",
    "<source srcset=c.webp>", "<table><tr>", "<td>", "</table>", "<svg>", "</svg>", "<math>", "<select>", "</select>",
    "<p>", "</p>", "<a href=x>", "</a>", "<iframe>", "</iframe>", "<xmp>", "</xmp>", "text", "é犬", "&lt;", "&amp",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(chromium.program() is None, reason="no Chromium here; $CHROMIUM can name one")
def test_a_browser_reads_the_same_page():
    draw = random.Random(11)
    pages = ["".join(draw.choices(HTML, k=draw.randint(1, 30))) for _ in range(4000)]
    full = [filled(page, html_findings(page)) for page in pages]
    read = (
        "(pages) => pages.map((page) => new DOMParser().parseFromString(page, 'text/html').documentElement.outerHTML)"
    )
    with chromium.browser() as started:
        page = started.new_page()
        before = page.evaluate(read, pages)
        after = page.evaluate(read, [text for text, _ in full])
    assert sum(count for _, count in full) > 1500
    for number, (text, count) in enumerate(full):
        assert IN_HTML.sub("", after[number]) == before[number], (pages[number], text)
        assert len(IN_HTML.findall(after[number])) == count, (pages[number], text)
