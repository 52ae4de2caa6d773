from __future__ import annotations

import base64
import io

from PIL import Image

from seetell.drawing.page_parts import GENERATOR, data_uri, html_text, position_in_thirds, render_template, signed


def test_pages_have_the_common_style_and_their_own():
    page = render_template("attention_index.html", "page.css", title="Two", count="2", photos="<li>$style</li>")
    assert "<title>Two</title>" in page
    assert "script-src" not in page
    assert GENERATOR in page
    assert "--paper" in page
    assert ".photos {" in page
    assert "<li>$style</li>" in page


def test_an_address_contains_the_image():
    address = data_uri(Image.new("RGB", (3, 2), "red"), "PNG")
    head, _, content = address.partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (3, 2)


def test_text_is_escaped_and_joined_letters_stay_joined():
    assert html_text("<a href='x'>&\n\x00\ud800") == "&lt;a href=&#x27;x&#x27;&gt;&amp;   "
    family = "\U0001f469\u200d\U0001f467"
    assert html_text(family) == family


def test_numbers_have_a_typographic_minus():
    assert [signed(number) for number in (-1.5, 0.257, float("-inf"))] == ["−1.50", "0.26", "−∞"]


def test_places_are_named_by_thirds():
    named = [position_in_thirds(x, y) for x, y in ((0.1, 0.1), (0.5, 0.5), (0.9, 0.4), (0.4, 0.7), (2.0, -1.0))]
    assert named == ["upper left", "centre", "right", "bottom", "upper right"]
