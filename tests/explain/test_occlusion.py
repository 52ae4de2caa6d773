from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seetell.errors import UsageError
from seetell.explain.explained import chosen
from seetell.explain.occlusion import BATCH, occlusion


def photo(width: int = 80, height: int = 40) -> Image.Image:
    """Black, but for a white square at columns 50 to 60, rows 10 to 20."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[10:20, 50:60] = 255
    return Image.fromarray(pixels)


def whiteness(images) -> np.ndarray:
    """Two targets: the mean of the square, and minus it."""
    mean = np.array([image[10:20, 50:60].mean() / 255 for image in images])
    return np.stack([mean, -mean], axis=1)


def test_covering_the_cell_that_the_score_comes_from_lowers_it():
    for_it, against = occlusion(whiteness, photo(), cells=8)  # cells of 10×5 pixels: the square is cells (2, 5), (3, 5)
    assert for_it.shape == (8, 8)
    assert np.allclose(for_it, -against)
    assert set(zip(*np.nonzero(for_it > 0.9 * for_it.max()), strict=True)) <= {(2, 5), (3, 5), (2, 6), (3, 6)}
    assert for_it[:, :4].max() == for_it[6:].max() == 0  # no window there touches the square


def test_each_cell_has_the_mean_of_the_windows_that_cover_it():
    (values, _) = occlusion(whiteness, photo(), cells=2)  # one window: all of the image
    assert np.ptp(values) == 0
    assert 0 < values[0, 0] < 1


def test_a_box_limits_what_is_covered():
    seen = []

    def score(images) -> np.ndarray:
        seen.extend(images)
        return np.zeros((len(images), 1))

    occlusion(score, photo(), box=(40, 0, 80, 40), cells=4)
    changed = np.stack(seen) != seen[0]
    assert len(seen) == 1 + 9
    assert changed.any()
    assert not changed[:, :, :40].any()


def test_copies_are_scored_in_batches_and_progress_is_told():
    sizes, told = [], []

    def score(images) -> np.ndarray:
        sizes.append(len(images))
        return np.zeros((len(images), 3))

    maps = occlusion(score, photo(), progress=lambda done, total: told.append((done, total)))
    assert maps.shape == (3, 8, 8)
    assert sum(sizes) == 50
    assert max(sizes) == BATCH
    assert told[-1] == (50, 50)


def test_names_are_found_in_any_case_and_as_often_as_they_are_there():
    assert chosen("word", ["A", "dog", "and", "a", "cat"], ["a", " Cat"], whole="it") == [0, 3, 4]
    assert chosen("word", ["a", "b"], [], whole="it") == [0, 1]
    with pytest.raises(
        UsageError, match=r"the caption 'a dog': unknown word 'dig'. Did you mean 'dog'\? Known: a, dog"
    ):
        chosen("word", ["a", "dog"], ["dig"], whole="the caption 'a dog'")
