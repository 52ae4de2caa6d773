from __future__ import annotations

import re

import pytest
from drawing.test_attention_page import Tags, image_in
from PIL import Image

from seetell.drawing.boxes import COLOURS, boxes_page
from seetell.results import Alignment, Region

SEGMENTS = (
    Region('a <b> "dog"', (0, 0, 400, 300), 7.25),
    Region("on & on", (200, 150, 400, 300), -1.5),
    Region("grass", (0, 200, 20, 210), 0.5),
)
ALIGNMENT = Alignment('A <b> "dog" on & on $grass', SEGMENTS, 9.876, (400, 300), "t<m")


@pytest.fixture(scope="module")
def html() -> str:
    return boxes_page(Image.new("RGB", (2000, 1500), (10, 20, 200)), ALIGNMENT, name="it's <i>.jpg")


def styles(given: dict[str, str]) -> dict[str, str]:
    return dict(part.strip().split(": ") for part in given["style"].split(";"))


def test_the_page_is_complete_in_itself(html: str):
    tags = Tags(html)
    for tag, given in tags.found:
        assert "href" not in given
        assert tag != "link"
        assert given.get("src", "data:").startswith("data:")
    assert not re.search(r"https?://|@import|url\(|\bfetch\b", html)
    (policy,) = (given["content"] for given in tags.all("meta") if "http-equiv" in given)
    assert policy.startswith("default-src 'none'")


def test_words_and_boxes_come_in_pairs_of_one_colour(html: str):
    tags = Tags(html)
    (photo,) = (given for given in tags.all("img"))
    assert image_in(photo["src"]).size == (1200, 900)
    assert photo["alt"] == ALIGNMENT.sentence
    words, places = tags.all("button", "word"), tags.all("div", "place")
    assert len(words) == len(places) == len(tags.all("div", "box")) == 3
    colours = [f"rgb{colour}" for colour in COLOURS[:3]]
    assert [styles(given)["--colour"] for given in words] == colours
    assert [styles(given)["--colour"] for given in places] == colours
    assert [text for text in tags.text if text in {"on & on", "grass", 'a <b> "dog"'}] == [
        'a <b> "dog"',
        "on & on",
        "grass",
    ]


def test_boxes_lie_in_shares_of_the_photo_the_smaller_above_the_larger(html: str):
    tags = Tags(html)
    first = styles(tags.all("div", "box")[0])
    assert first == {"left": "0.00%", "top": "0.00%", "width": "100.00%", "height": "100.00%"}
    assert [styles(given)["--layer"] for given in tags.all("div", "place")] == ["0", "1", "2"]


def test_it_is_told_where_each_segment_is(html: str):
    told = [given["data-description"] for given in Tags(html).all("button", "word")]
    assert told == [
        '“a <b> "dog"”: box 0, 0 to 400, 300, around the centre of the photo; score 7.25',
        "“on & on”: box 200, 150 to 400, 300, around the lower right of the photo; score −1.50",
        "“grass”: box 0, 200 to 20, 210, around the lower left of the photo; score 0.50",
    ]
    assert any("it's <i>.jpg · model t<m · score of the sentence 9.88" in text for text in Tags(html).text)
