from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.photos.greyscale import GREY, is_greyscale

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_photos_have_colours_and_their_grey_copies_have_none(path: Path):
    with Image.open(path) as photo:
        photo.thumbnail((256, 256))
        assert is_greyscale(np.asarray(photo.convert("RGB"))) == (path.stem == "photographer")
        assert is_greyscale(np.asarray(photo.convert("L").convert("RGB")))


@pytest.mark.parametrize(("difference", "expected"), [(GREY, True), (GREY + 1, False)])
def test_it_is_the_mean_difference_of_channels(difference: float, expected: bool):
    pixels = np.full((4, 4, 3), 100, np.uint8)
    pixels[..., 1] += np.uint8(difference)
    assert is_greyscale(pixels) == expected
