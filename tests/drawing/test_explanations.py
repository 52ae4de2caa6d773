from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing.test_attention_page import Tags
from PIL import Image

from seetell.drawing.attention import colourise, upsample_attention
from seetell.drawing.explanations import explanations_page, explanations_picture
from seetell.results import Explanation, Explanations, HeatMap

SIZE = (300, 200)
PHOTO = Image.new("RGB", SIZE, (90, 90, 90))
WHOLE = (0.0, 0.0, 300.0, 200.0)


def explanations(*maps: np.ndarray, texts: tuple[str, ...] = ("dog", "<i>")) -> Explanations:
    drawn = tuple(
        HeatMap(method, values, WHOLE) for method, values in zip(("attention", "occlusion"), maps, strict=False)
    )
    return Explanations("a dog <i>", tuple(Explanation(text, -0.5, drawn) for text in texts), SIZE, "tiny")


CORNER = np.zeros((4, 4))
CORNER[0, 0], CORNER[3, 3] = 0.5, -1.5


def test_what_speaks_against_is_blue_and_what_speaks_for_it_warm():
    intensity = upsample_attention(CORNER, visible_box=WHOLE, photo=SIZE, side=60)
    assert np.nanmin(intensity) == -1
    assert 0.2 < np.nanmax(intensity) < 0.5
    picture = np.asarray(colourise(intensity).convert("RGBA")).astype(int)
    red, _, blue, opacity = picture[0, 0]
    assert red > blue
    red, _, blue, opacity = picture[-1, -1]
    assert blue > 1.5 * red
    assert opacity > 190
    assert picture[0, -1, 3] == 0  # of no importance, transparent


def test_a_map_of_zeros_can_be_drawn():
    assert not np.asarray(colourise(upsample_attention(np.zeros((3, 3)), visible_box=WHOLE, photo=SIZE, side=30))).any()


def test_each_part_has_its_maps_side_by_side():
    one = explanations_picture(PHOTO, explanations(CORNER, texts=("dog",)))
    two = explanations_picture(PHOTO, explanations(CORNER, CORNER, texts=("dog",)))
    four = explanations_picture(PHOTO, explanations(CORNER, CORNER, texts=("dog", "a", "b", "c")))
    assert one.width <= two.width < four.width <= 1300
    assert one.height == two.height < four.height


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
@pytest.mark.parametrize("texts", [(), ("a",), ("word " * 60, "ein Größenverhältnis, 写真")])
def test_any_photo_and_parts_fit(size: tuple[int, int], texts: tuple[str, ...]):
    picture = explanations_picture(Image.new("RGB", size), explanations(CORNER, np.ones((300, 300)), texts=texts))
    assert picture.width < 2000


def test_the_page_has_a_button_and_a_row_of_maps_for_each_part():
    tags = Tags(explanations_page(PHOTO, explanations(CORNER, CORNER), name="it's <i>.jpg"))
    buttons = tags.all("button", "word")
    assert [given["data-description"] for given in buttons] == [
        f"“{text}”: score −0.50; attention; occlusion, 1.50" for text in ("dog", "<i>")
    ]
    assert len([given for given in tags.all("div") if given.get("class") == "place methods"]) == 2
    assert len(tags.all("div", "shot")) == 4
    assert "it's <i>.jpg" in "".join(tags.text)


def test_the_place_of_an_object_is_outlined():
    found = explanations(CORNER, texts=("dog",))
    placed = replace(found, parts=tuple(replace(part, box=(30.0, 20.0, 150.0, 160.0)) for part in found.parts))
    drawn, without = (np.asarray(explanations_picture(PHOTO, each)).astype(int) for each in (placed, found))
    rows, columns = np.nonzero((drawn != without).any(axis=2))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert height / width == pytest.approx(140 / 120, abs=0.05)
    (frame,) = Tags(explanations_page(PHOTO, placed, name="a.jpg")).all("div", "frame")
    assert frame["style"] == "left: 10.00%; top: 10.00%; width: 40.00%; height: 70.00%"


def test_words_stand_above_what_changes_its_height():
    page = explanations_page(PHOTO, explanations(CORNER), name="a.jpg")
    assert page.index('class="word"') < page.index('class="photo"') < page.index('class="place methods"')
