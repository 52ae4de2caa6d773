from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from seetell.drawing.attention import attention_page
from seetell.drawing.attention_folder import _Entry, _index
from seetell.results import Caption, Word

VOID = {"meta", "img", "br", "input"}


class Tags(HTMLParser):
    """All start tags with their attributes; sees to it that every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        return [given for name, given in self.found if name == tag and kind in [*given.get("class", "").split(), ""]]


def image_in(address: str) -> Image.Image:
    header, _, content = address.partition(",")
    assert re.fullmatch(r"data:image/(png|jpeg);base64", header)
    return Image.open(io.BytesIO(base64.b64decode(content)))


CORNER = np.array([[0.97, 0.01], [0.01, 0.01]], np.float32)
EVEN = np.full((2, 2), 0.25, np.float32)
SAID = Caption(
    "a <b> & dog", (Word("a", -0.105, CORNER), Word("<b>", -1.2, CORNER.T[::-1]), Word('"&', -3.0, EVEN)), -5.0, "t<m"
)


@pytest.fixture(scope="module")
def html() -> str:
    return attention_page(
        Image.new("RGB", (300, 200), (10, 20, 200)), SAID, visible_box=(0, 0, 300, 200), name="it's <i>.jpg"
    )


def test_the_page_is_complete_in_itself(html: str):
    tags = Tags(html)
    for tag, given in tags.found:
        assert "href" not in given
        assert tag != "link"
        assert given.get("src", "data:").startswith("data:")
    assert not re.search(r"https?://|@import|url\(|\bfetch\b", html)
    (policy,) = (given["content"] for given in tags.all("meta") if "http-equiv" in given)
    assert policy.startswith("default-src 'none'")
    assert "$" not in re.sub(r"base64,[^\"]*", "", html)


def test_it_shows_the_photo_and_for_each_word_a_map_a_button_and_its_log_probability(html: str):
    tags = Tags(html)
    (photo,) = tags.all("img", "ground")
    assert image_in(photo["src"]).size == (300, 200)
    assert photo["alt"] == SAID.text
    first, second, _ = (
        np.asarray(image_in(given["src"]).convert("RGBA")).astype(int) for given in tags.all("img", "map")
    )
    assert np.unravel_index(first[..., 3].argmax(), first.shape[:2]) < (60, 80)
    assert second[80, 40, 3] > 150 > first[80, 40, 3]
    buttons = tags.all("button", "word")
    assert [given["data-description"].partition(";")[0] for given in buttons] == [
        "“a”: the model looked mostly at the upper left",
        "“<b>”: the model looked mostly at the lower left",
        '“"&”: the model looked all over the photo',
    ]
    assert "log-probability −0.10, 90% likely" in buttons[0]["data-description"]
    assert "--probability: 5%" in buttons[2]["style"]
    assert [text for text in tags.text if text in {"a", "<b>", '"&', "−0.10", "−1.20", "−3.00"}] == [
        "a", "−0.10", "<b>", "−1.20", '"&', "−3.00"
    ]  # fmt: skip
    assert any("it's <i>.jpg · model t<m" in text for text in tags.text)


def test_a_large_photo_is_made_smaller_and_a_crop_is_told_by_the_part_seen():
    said = Caption("a", (Word("a", -0.1, CORNER[:, ::-1]),), float("-inf"), "tiny")
    html = attention_page(Image.new("RGB", (4000, 1000)), said, visible_box=(1500, 0, 2500, 1000), name="wide.jpg")
    tags = Tags(html)
    assert image_in(tags.all("img", "ground")[0]["src"]).size == (1200, 300)
    assert "mostly at the top" in tags.all("button", "word")[0]["data-description"]
    assert "−∞" in html


def test_the_index_leads_to_all_pages():
    entries = [
        _Entry("ü 1.jpg", "a dog & a cat", "ü 1-attention.html", "ü 1-attention.jpg", (90, 60)),
        _Entry("b.jpg", "a cat", "b-attention.html", "b-attention.jpg", (90, 60)),
    ]
    tags = Tags(_index(entries))
    assert [given["href"] for given in tags.all("a")] == ["%C3%BC%201-attention.html", "b-attention.html"]
    assert [given["src"] for given in tags.all("img")] == ["%C3%BC%201-attention.jpg", "b-attention.jpg"]
    assert [text.strip() for text in tags.text if "cat" in text] == ["a dog & a cat", "a cat"]
    assert "ü 1.jpg" in tags.text
