from __future__ import annotations

import numpy as np
import pytest
from drawing.test_attention_page import Tags, image_in
from PIL import Image

from seetell.drawing.label_chart import BAR, PAPER, TRACK, label_chart, label_page
from seetell.results import Label, Labels

GREY = (90, 90, 90)
LABELS = Labels((Label("a <b> dog", 0.75), Label("a cat", 0.25), Label("a bird", 0.0)), "t<m")


def lengths(picture: Image.Image, colour: tuple[int, int, int]) -> list[int]:
    """Return the length of each bar of a colour, from top to bottom."""
    runs = (np.asarray(picture)[600:] == colour).all(axis=-1).sum(axis=1)
    starts = np.flatnonzero((runs > 0) & (np.append(0, runs[:-1]) == 0))
    return [int(runs[start + 2]) for start in starts]


def test_bars_are_as_long_as_the_probabilities():
    picture = label_chart(Image.new("RGB", (800, 600), GREY), LABELS)
    three_quarters, quarter = lengths(picture, BAR)
    assert three_quarters == pytest.approx(3 * quarter, abs=3)
    rest = lengths(picture, TRACK)
    assert rest[2] == pytest.approx(three_quarters + rest[0], abs=2)
    assert picture.getpixel((400, 300)) == GREY
    assert picture.getpixel((picture.width - 1, picture.height - 1)) == PAPER


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
@pytest.mark.parametrize("texts", [(), ("a",), ("word " * 60, "ein Größenverhältnis, 写真")])
def test_any_photo_and_labels_fit(size: tuple[int, int], texts: tuple[str, ...]):
    labels = Labels(tuple(Label(text, 1.0) for text in texts), "tiny")
    picture = np.asarray(label_chart(Image.new("RGB", size, GREY), labels))
    chart = picture[len(picture) - 36 * len(texts) - 20 :]
    assert (chart[:, :10] == PAPER).all()
    assert (chart[:, -10:] == PAPER).all()


def test_the_page_lists_labels_with_their_probabilities():
    tags = Tags(label_page(Image.new("RGB", (2000, 1500), GREY), LABELS, name="it's <i>.jpg"))
    (photo,) = tags.all("img")
    assert image_in(photo["src"]).size == (1200, 900)
    assert photo["alt"] == "it's <i>.jpg"
    assert [given["style"] for given in tags.all("li")] == [
        f"--probability: {each}%" for each in ("75.00", "25.00", "0.00")
    ]
    assert all("aria-hidden" in given for given in tags.all("span", "bar"))
    text = "".join(tags.text)
    assert all(part in text for part in ("a <b> dog75.0%", "a cat25.0%", "a bird0.0%", "it's <i>.jpg · model t<m"))


def test_no_labels_make_a_page_all_the_same():
    assert "no label – a.jpg" in label_page(Image.new("RGB", (30, 20)), Labels((), "tiny"), name="a.jpg")
