from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from seetell.photos.no_photo import NAMES, inputs, no_photo, statistics

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


def seen(picture: Image.Image) -> np.ndarray:
    """Return a picture as an encoder sees it, before it is normalised."""
    squashed = np.asarray(picture.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(np.moveaxis(squashed, 2, 0))


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(file)


def page(ink: str, paper: str, size: int = 18) -> Image.Image:
    picture = Image.new("RGB", (700, 900), paper)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for row in range(40, 860, 2 * size):
        words = hashlib.sha256(str(row).encode()).hexdigest().replace("a", " ").replace("7", " ")
        pen.text((40, row), words, fill=ink, font=font)
    return picture


def bars() -> Image.Image:
    picture = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(picture)
    for number, height in enumerate((120, 300, 210, 380, 90)):
        pen.rectangle((60 + 110 * number, 430 - height, 140 + 110 * number, 430), fill="steelblue")
    pen.line((40, 20, 40, 432, 620, 432), fill="black", width=2)
    return picture


@pytest.mark.parametrize("photo", EXAMPLES, ids=lambda path: path.stem)
def test_a_photo_is_one(photo: Path):
    opened = Image.open(photo)
    assert no_photo(seen(opened)) is None
    assert no_photo(seen(opened.convert("L"))) is None  # black and white
    assert no_photo(seen(compressed(opened, 30))) is None


@pytest.mark.parametrize("colour", ["white", "black", "#4080c0", "#7f7f7f"])
def test_one_colour_is_a_blank_picture(colour: str):
    assert no_photo(seen(Image.new("RGB", (300, 200), colour))) == "a blank picture"


def test_a_gradient_is_a_blank_picture():
    assert no_photo(seen(Image.linear_gradient("L"))) == "a blank picture"


@pytest.mark.parametrize("quality", [None, 90, 40])
@pytest.mark.parametrize(
    "picture", [page("black", "white"), page("#d0d0d0", "#1e1e1e"), bars()], ids=["page", "dark page", "chart"]
)
def test_text_and_charts_are_no_photos(picture: Image.Image, quality: int | None):
    assert no_photo(seen(picture if quality is None else compressed(picture, quality))) == "text or a drawing"


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (224, 224), (416, 416)])
def test_any_size_has_statistics(size: tuple[int, int]):
    pixels = np.random.default_rng(0).integers(0, 256, (3, *size)).astype(np.uint8)
    found = statistics(pixels)
    assert found.shape == (len(NAMES),)
    assert np.isfinite(found).all()


def test_statistics_of_a_picture_worked_by_hand():
    pixels = np.zeros((3, 16, 16), np.uint8)
    pixels[:, :, 8:] = 255  # black and white halves
    found = dict(zip(NAMES, statistics(pixels), strict=True))
    assert found["flat blocks"] == 1
    assert found["black and white"] == 1
    assert found["entropy of colours"] == found["entropy of grey levels"] == 1
    assert found["first colour"] == 0.5
    assert found["two colours"] == 1
    assert found["grey"] == 1
    assert found["equal neighbours"] == pytest.approx((16 * 14 + 15 * 16) / (2 * 256))
    assert np.exp(found["edges"]) == pytest.approx(16 / (2 * 256), abs=2e-4)


def test_the_regression_takes_products_and_a_one():
    taken = inputs(np.array([[3.0, 1.0]]), np.array([1.0, 1.0]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(taken, [[2, 0, 4, 0, 0, 1]])
    far = inputs(np.array([1e9]), np.array([0.0]), np.array([1.0]))
    np.testing.assert_allclose(far, [4, 16, 1])
