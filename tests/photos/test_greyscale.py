from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.photos.greyscale import COLOURED, is_greyscale

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_photos_have_colours_and_their_grey_copies_have_none(path: Path):
    with Image.open(path) as photo:
        photo.thumbnail((256, 256))
        assert is_greyscale(np.asarray(photo.convert("RGB"))) == (path.stem == "photographer")
        assert is_greyscale(np.asarray(photo.convert("L").convert("RGB")))


@pytest.mark.parametrize(
    ("difference", "pixels", "expected"),
    [
        (COLOURED, 10_000, True),
        (COLOURED + 1, 101, False),
        (COLOURED + 1, 100, True),
        (200, 0, True),
        (200, 500, False),
    ],
)
def test_few_pixels_have_a_colour(difference: int, pixels: int, expected: bool):
    picture = np.full((100, 100, 3), 50, np.uint8)
    picture.reshape(-1, 3)[:pixels, 1] += np.uint8(difference)
    assert is_greyscale(picture) == expected
