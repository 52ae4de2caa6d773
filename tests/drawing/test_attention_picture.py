from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seetell.drawing import fonts
from seetell.drawing.attention import GAP, LINE_HEIGHT, MARGIN, PAPER, attention_picture
from seetell.drawing.fonts import choose_font, ellipsise
from seetell.results import Caption, Word


def said(*words: str) -> Caption:
    """A caption whose words attend to one place after the other of a 2×2 grid."""
    maps = np.eye(4, dtype=np.float32).reshape(4, 2, 2)
    return Caption(
        " ".join(words), tuple(Word(text, -0.5, maps[place % 4]) for place, text in enumerate(words)), -9.0, "tiny"
    )


def tiles_of(picture: Image.Image, size: tuple[int, int], count: int, columns: int) -> list[np.ndarray]:
    width, height = size
    places = [
        (place % columns * (width + GAP), place // columns * (height + LINE_HEIGHT + GAP)) for place in range(count)
    ]
    pixels = np.asarray(picture).astype(int)
    return [pixels[MARGIN + top : MARGIN + top + height, MARGIN + left : MARGIN + left + width] for left, top in places]


def test_the_photo_comes_first_then_each_word_with_its_own_map():
    photo = Image.new("RGB", (1000, 750), (20, 160, 40))
    picture = attention_picture(photo, said("a", "dog", "runs", "home", "now", "again"), visible_box=(0, 0, 1000, 750))
    width, height = 200, 150
    assert picture.size == (2 * MARGIN + 4 * (width + GAP) - GAP, 2 * MARGIN + 2 * (height + LINE_HEIGHT + GAP) - GAP)
    first, *others = tiles_of(picture, (width, height), 7, 4)
    assert np.abs(first - (20, 160, 40)).max() < 2
    for place, tile in enumerate(others):
        warmth = tile[..., 0] - tile[..., 2]
        row, column = np.unravel_index(warmth.argmax(), warmth.shape)
        assert (row // 75, column // 100) == divmod(place % 4, 2)
    assert np.asarray(picture)[-1, -1].tolist() == list(PAPER)


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000), (40, 30)])
@pytest.mark.parametrize("words", [(), ("a",), ("a", "word" * 40)])
def test_any_photo_and_caption_fits(size: tuple[int, int], words: tuple[str, ...]):
    picture = attention_picture(Image.new("RGB", size), said(*words), visible_box=(0, 0, *size))
    assert 40 < picture.width < 1400
    assert 40 < picture.height < 1000
    edge = np.asarray(picture)[:, [0, -1]]
    assert (edge == PAPER).all()


def test_letters_that_the_built_in_font_lacks_come_from_another_or_lose_their_accents(
    monkeypatch: pytest.MonkeyPatch,
):
    assert choose_font("dog's", 20)[1].getname()[0] == "Aileron"
    monkeypatch.setattr(fonts, "INSTALLED", ("no such font.ttf",))
    text, font = choose_font("cafe\u0301", 20)
    assert (text, font.getname()[0]) == ("cafe", "Aileron")
    assert choose_font("狗", 20)[0] == "狗"
    monkeypatch.setattr(fonts, "_installed", lambda name, size: font)
    monkeypatch.setattr(fonts, "_has", lambda candidate, text: candidate is font)
    assert choose_font("cafe\u0301", 20) == ("café", font)


def test_a_text_too_wide_ends_in_an_ellipsis():
    _, font = choose_font("dog", 20)
    assert ellipsise("dog", font, 200) == "dog"
    short = ellipsise("dog" * 30, font, 200)
    assert short.endswith("…")
    assert 150 < font.getlength(short) <= 200
