from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seetell.explain.quality import deletion_and_insertion, energy_in, points_into
from seetell.results import HeatMap

BOX = (0.0, 0.0, 80.0, 40.0)
VALUES = np.array([[0.0, 1.0, 0.0, -5.0], [0.0, 0.0, 3.0, 0.0]])  # cells of 20×20 pixels; centres at 10, 30, 50, 70
HEAT_MAP = HeatMap("occlusion", VALUES, BOX)


def test_the_highest_cell_points_into_a_box_or_not():
    assert points_into(HEAT_MAP, [(45, 25, 60, 35)])
    assert not points_into(HEAT_MAP, [(0, 0, 45, 40)])
    assert points_into(HEAT_MAP, [(0, 0, 5, 5), (49, 29, 51, 31)])


def test_energy_is_the_positive_share_in_the_boxes():
    assert energy_in(HEAT_MAP, [(40, 20, 80, 40)]) == 0.75
    assert energy_in(HEAT_MAP, [(40, 20, 80, 40), (20, 0, 40, 20), (45, 25, 55, 35)]) == 1
    assert energy_in(HEAT_MAP, [(60, 0, 80, 20)]) == 0
    assert energy_in(HeatMap("occlusion", -np.ones((2, 2)), BOX), [BOX]) == 0


def test_a_right_map_falls_early_and_rises_early():
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[20:, 40:60] = 255

    def score(images) -> np.ndarray:
        return np.log(np.array([[0.01 + image[20:, 40:60].mean() / 256] for image in images]))

    right = deletion_and_insertion(score, Image.fromarray(pixels), HEAT_MAP, 0)
    wrong = deletion_and_insertion(score, Image.fromarray(pixels), HeatMap("occlusion", -VALUES, BOX), 0)
    assert right[0] < wrong[0]
    assert right[1] > wrong[1]
    constant = deletion_and_insertion(
        lambda images: np.full((len(images), 1), np.log(0.25)), Image.new("RGB", (80, 40)), HEAT_MAP, 0
    )
    assert constant == (pytest.approx(0.25), pytest.approx(0.25))
