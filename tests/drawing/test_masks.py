from __future__ import annotations

import numpy as np
import pytest
from drawing.test_attention_page import Tags, image_in
from PIL import Image

from seetell.drawing.masks import INK, OPACITY, PALETTE, label_picture, masks_page, masks_picture
from seetell.geometry.masks import encode
from seetell.results import Mask, Masks

GREY = (90, 90, 90)


def masks(size: tuple[int, int] = (8, 6), texts: tuple[str, ...] = ("a <road>", "sky")) -> Masks:
    """Return the lower half and, beneath it, the left half."""
    rows, columns = np.indices(size[::-1])
    lower, left = rows >= size[1] / 2, columns < size[0] / 2
    made = [
        Mask(text, 0.9, float(mask.mean()), (0, 0, *map(float, size)), encode(mask), index)
        for text, mask, index in zip(texts, (lower, left), (4, 1), strict=False)
    ]
    return Masks(tuple(made), size, "t<m")


def test_the_palette_is_that_of_pascal_voc() -> None:
    assert PALETTE[[0, 1, 2, 3, 15, 20]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [192, 128, 128],
        [0, 64, 128],
    ]
    assert len(np.unique(PALETTE, axis=0)) == 256


def test_a_label_map_has_the_indices_of_the_masks() -> None:
    picture = label_picture(masks())
    assert (picture.mode, picture.size) == ("P", (8, 6))
    values = np.asarray(picture)
    assert (values[3:] == 4).all()
    assert (values[:3, :4] == 1).all()
    assert (values[:3, 4:] == 0).all()
    assert picture.convert("RGB").getpixel((0, 0)) == (128, 0, 0)


def test_colours_lie_over_the_photo_with_a_legend_below() -> None:
    picture = masks_picture(Image.new("RGB", (800, 600), GREY), masks())
    assert picture.getpixel((600, 100)) == GREY
    mixed = tuple(round((1 - OPACITY) * 90 + OPACITY * part) for part in (128, 0, 0))
    assert picture.getpixel((100, 100)) == mixed
    assert picture.getpixel((399, 100)) == (255, 255, 255)
    legend = np.asarray(picture)[600:].reshape(-1, 3)
    for colour in (PALETTE[4], PALETTE[1], INK):
        assert (legend == colour).all(axis=1).any()


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
@pytest.mark.parametrize("texts", [(), ("a",), ("word " * 60, "ein Größenverhältnis, 写真")])
def test_any_photo_and_masks_fit(size: tuple[int, int], texts: tuple[str, ...]) -> None:
    picture = np.asarray(masks_picture(Image.new("RGB", size, GREY), masks(size, texts)))
    legend = picture[len(picture) - 36 * len(texts) - 20 :]
    assert (legend[:, :10] == 255).all()
    assert (legend[:, -8:] == 255).all()


def test_the_page_lists_what_is_there() -> None:
    html = masks_page(Image.new("RGB", (2000, 1500), GREY), masks(), name="it's <i>.jpg")
    tags = Tags(html)
    photo, colours = tags.all("img")
    assert photo["alt"] == "a <road>, sky"
    assert colours["alt"] == ""
    overlay = image_in(colours["src"]).convert("RGBA")
    assert overlay.size == (1200, 900)
    assert overlay.getpixel((1100, 10))[3] == 0
    assert overlay.getpixel((10, 10)) == (128, 0, 0, 255)
    text = "".join(tags.text)
    assert all(part in text for part in ("a <road>50%", "sky50%", "it's <i>.jpg · model t<m"))
