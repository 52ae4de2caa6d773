from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seetell import drawing
from seetell.errors import UsageError
from seetell.geometry.masks import encode
from seetell.results import Alignment, Caption, Label, Labels, Mask, Masks, Region, Regions, Word

PHOTO = Image.new("RGB", (300, 200), (10, 20, 200))
CORNER = np.array([[0.97, 0.01], [0.01, 0.01]], np.float32)
LEFT_HALF = np.tile(np.arange(300) < 150, (200, 1))
REGION = Region("a dog", (0, 0, 200, 150), 0.9)
RESULTS = {
    "caption": Caption("a dog", (Word("a", -0.1, CORNER), Word("dog", -0.2, CORNER)), -1.0, "tiny"),
    "regions": Regions((REGION,), (300, 200), "tiny"),
    "no regions": Regions((), (300, 200), "tiny"),
    "alignment": Alignment("A dog barks", (REGION,), 1.5, (300, 200), "tiny"),
    "labels": Labels((Label("dog", 0.9),), "tiny"),
    "masks": Masks((Mask("dog", 0.9, 0.5, (0, 0, 150, 200), encode(LEFT_HALF), 1),), (300, 200), "tiny"),
    "no masks": Masks((), (300, 200), "tiny"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_drawn_as_a_picture_and_as_a_page(name: str):
    picture = drawing.picture(PHOTO, RESULTS[name])
    assert picture.mode == "RGB"
    assert min(picture.size) > 150
    html = drawing.page(PHOTO, RESULTS[name], name="photo.jpg")
    assert html.startswith("<!doctype html>")
    assert "photo.jpg" in html
    assert "model tiny" in html


def test_attention_lies_over_the_visible_box():
    caption = Caption("a", (Word("a", -0.1, CORNER),), -1.0, "tiny")
    assert "mostly at the upper left" in drawing.page(PHOTO, caption, name="a")
    assert "mostly at the centre" in drawing.page(PHOTO, caption, name="a", visible_box=(100, 60, 300, 200))


@pytest.mark.parametrize("result", [Caption("a", (Word("a", -0.1),), -1.0, "tiny"), "a dog"])
def test_what_cannot_be_drawn_is_refused(result: object):
    with pytest.raises(UsageError, match=r"attention=True|got str"):
        drawing.picture(PHOTO, result)
    with pytest.raises(UsageError, match=r"attention=True|got str"):
        drawing.page(PHOTO, result, name="photo.jpg")
