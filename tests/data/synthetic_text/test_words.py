"""Rendered words: reproducible, in the characters asked for, and legible."""

from __future__ import annotations

import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw

from seetell.data.synthetic_text.backgrounds import Backgrounds
from seetell.data.synthetic_text.fonts import find_fonts
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import Strings, is_held_out, read_words
from seetell.data.synthetic_text.words import (
    LEAST_CONTRAST,
    LUMINANCE,
    SyntheticWords,
    bent,
    contrasting_colour,
)
from seetell.errors import DataError
from seetell.geometry.homography import homography, mapped

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
ASCII = "".join(map(chr, range(33, 127)))
WORDS = ["stop", "exit", "bakery", "open", "closed", "station", "platform", "river", "bread", "street"] * 3


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    for name in ("DejaVuSans.ttf", "DejaVuSerif.ttf", "STIXSizOneSymReg.ttf"):
        shutil.copy(FONTS / name, folder)
    (folder / "broken.ttf").write_bytes(b"nothing")
    return folder


def words(fonts: Path, **options: object) -> SyntheticWords:
    return SyntheticWords.create(Materials(fonts=str(fonts)), ASCII, **options)


def test_a_word_follows_from_its_number_and_the_seed(fonts):
    one, again, other = words(fonts, seed=3), words(fonts, seed=3), words(fonts, seed=4)
    later = [again.render(number) for number in (5, 1)]
    for number, rendered in ((1, later[1]), (5, later[0])):
        expected = one.render(number)
        assert rendered.text == expected.text
        assert np.array_equal(rendered.image, expected.image)
    assert [one.render(number).text for number in range(5)] != [other.render(number).text for number in range(5)]


def test_words_differ_and_fit(fonts):
    series = words(fonts, longest=9)
    rendered = [series.render(number) for number in range(60)]
    assert len({text for _, text in rendered}) > 50
    assert all(1 <= len(text) <= 9 and set(text) <= set(ASCII) for _, text in rendered)
    assert all(image.mode == "RGB" and min(image.size) >= 4 for image, _ in rendered)


def test_ink_differs_from_the_background(fonts):
    plain = words(fonts, difficulty=0.0)
    for number in range(20):
        image = np.asarray(plain.render(number).image, np.float32) @ LUMINANCE
        assert image.max() - image.min() > LEAST_CONTRAST / 2


def test_validation_words_are_not_trained_on():
    known = read_words(None)
    trained, held_out = (Strings(known, ASCII, held_out=held, longest=20) for held in (False, True))
    assert not {word.lower() for word in trained.words} & {word.lower() for word in held_out.words}
    assert len(held_out.words) == pytest.approx(len(trained.words) / 19, rel=0.3)
    assert is_held_out("Stop") == is_held_out("STOP")


def test_without_capitals_texts_are_in_lower_case():
    strings = Strings(WORDS, "abcdefghijklmnopqrstuvwxyz0123456789", held_out=False, longest=8)
    random = np.random.default_rng(0)
    drawn = [strings.draw(random) for _ in range(300)]
    assert all(text.isalnum() and text == text.lower() and len(text) <= 8 for text in drawn)
    assert any(text.isdigit() for text in drawn)
    assert any(text in WORDS for text in drawn)


def test_symbol_fonts_and_broken_ones_are_left_out(fonts):
    assert [font.name for font in find_fonts(fonts, ASCII)] == ["DejaVuSans.ttf", "DejaVuSerif.ttf"]
    assert find_fonts(None, "abc")  # matplotlib's at least
    with pytest.raises(DataError, match=r"no font in .* has all the characters"):
        find_fonts(fonts, "\U00012345")


def test_what_is_missing_is_said(fonts, tmp_path):
    with pytest.raises(DataError, match="one per line"):
        SyntheticWords.create(Materials(words=str(tmp_path / "none.txt"), fonts=str(fonts)), ASCII)
    with pytest.raises(DataError, match="no words to write"):
        Strings(["1", "a"], ASCII, held_out=False, longest=5)
    with pytest.raises(DataError, match="expected a folder of photos"):
        Backgrounds(tmp_path)


def test_photos_are_written_on(tmp_path):
    Image.new("RGB", (64, 48), (200, 100, 50)).save(tmp_path / "photo.png")
    backgrounds, random = Backgrounds(tmp_path), np.random.default_rng(1)
    drawn = [backgrounds.draw(random, 30, 10) for _ in range(40)]
    assert all(pixels.shape == (10, 30, 3) and pixels.dtype == np.float32 for pixels in drawn)
    photographed = [pixels for pixels in drawn if np.allclose(pixels, (200, 100, 50), atol=1)]
    assert 10 <= len(photographed) <= 30


def test_colours_stand_out():
    random = np.random.default_rng(0)
    for grey in (0, 90, 127, 200, 255):
        background = np.full((4, 4, 3), grey, np.float32)
        for _ in range(20):
            assert abs(float(contrasting_colour(random, background) @ LUMINANCE) - grey) >= LEAST_CONTRAST


def test_a_bent_text_keeps_its_ink():
    mask = Image.new("L", (60, 20))
    ImageDraw.Draw(mask).rectangle((0, 8, 59, 11), fill=255)
    up, down = bent(mask, 0.5), bent(mask, -0.5)
    for each in (up, down):
        assert (np.asarray(each) > 0).sum() == 60 * 4
        assert each.height > 20

    def middle(picture: Image.Image) -> tuple[float, float]:
        rows = np.asarray(picture).argmax(axis=0)
        return float(rows[0]), float(rows[30])

    assert middle(up)[1] < middle(up)[0]
    assert middle(down)[1] > middle(down)[0]


def test_a_homography_maps_corners_to_corners():
    source = np.array([[0, 0], [10, 0], [10, 4], [0, 4]], float)
    target = np.array([[1, 2], [12, 0], [11, 6], [0, 5]], float)
    assert mapped(target, homography(source, target)) == pytest.approx(source)
