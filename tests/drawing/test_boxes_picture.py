from __future__ import annotations

import numpy as np
import pytest
from drawing.test_box_layout import aligned
from PIL import Image

from seetell.drawing.boxes import COLOURS, LINE, MAX_SIDE, MIN_SIDE, MIN_WIDTH, PAPER, boxes_picture
from seetell.results import Alignment, Region

GREY = (90, 90, 90)


def has(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.asarray(pixels) == colour).all(axis=-1).any())


def test_each_segment_has_its_colour_in_the_photo_and_in_the_sentence():
    picture = boxes_picture(Image.new("RGB", (1000, 500), GREY), aligned((20, 20, 80, 80), (110, 20, 190, 80)))
    pixels = np.asarray(picture)
    photo, sentence = pixels[:500], pixels[500:]
    assert picture.width == 1000
    for number, colour in enumerate(COLOURS[:2]):
        assert has(photo[:, 500 * number : 500 * (number + 1)], colour)
        assert not has(photo[:, 500 * (1 - number) : 500 * (2 - number)], colour)
        assert has(sentence, colour)
    assert not has(pixels, COLOURS[2])
    assert photo[300, 250].tolist() == list(GREY)  # nothing hides what is in a box
    assert pixels[-1, -1].tolist() == list(PAPER)


def test_the_line_lies_on_the_boxs_edge():
    picture = np.asarray(boxes_picture(Image.new("RGB", (1000, 500), GREY), aligned((40, 20, 160, 80))))
    across = (picture[250, :] == COLOURS[0]).all(axis=-1).nonzero()[0]
    assert len(across) == 2 * LINE
    assert across[0] - 200 <= LINE
    assert 800 - across[-1] <= LINE


@pytest.mark.parametrize(("size", "longer"), [((50, 40), MIN_SIDE), ((4000, 1000), MAX_SIDE), ((1000, 900), 1000)])
def test_small_photos_are_enlarged_and_large_ones_made_smaller(size: tuple[int, int], longer: int):
    box = aligned((0, 0, size[0] / 2, size[1]), size=size)
    assert boxes_picture(Image.new("RGB", size, GREY), box).width == longer


def test_a_narrow_photo_leaves_room_for_the_sentence():
    picture = boxes_picture(Image.new("RGB", (10, 1000), GREY), aligned((0, 0, 10, 1000), size=(10, 1000)))
    assert picture.width == MIN_WIDTH


@pytest.mark.slow
@pytest.mark.parametrize("text", ["several words " * 30, "a" * 400, "ein Größenverhältnis, 写真 и слово"])
def test_long_sentences_are_laid_in_lines(text: str):
    segments = (Region(text.strip(), (0, 0, 100, 80), 1.0), Region("the end", (0, 0, 50, 80), 1.0))
    photo = Image.new("RGB", (1000, 800), GREY)
    picture = np.asarray(boxes_picture(photo, Alignment(text, segments, 0.0, (100, 80), "tiny")))
    sentence = picture[800:]
    assert (sentence[:, :15] == PAPER).all()
    assert (sentence[:, -15:] == PAPER).all()
    assert has(sentence, COLOURS[0])
    assert has(sentence[-70:], COLOURS[1])


def test_the_photo_itself_is_left_as_it_was():
    photo = Image.new("RGB", (1000, 500), GREY)
    boxes_picture(photo, aligned((0, 0, 200, 100)))
    assert photo.getcolors() == [(500000, GREY)]
