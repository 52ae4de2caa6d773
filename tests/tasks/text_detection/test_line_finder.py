"""Large images are looked at in parts where they may show small letters."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from seetell.tasks.text_detection.line_finder import MARGIN, PART, LineFinder


class Darkness:
    """Stands for a network: the darker a pixel of every second row and column is, the likelier it shows text."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def run(self, inputs: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        images = inputs["images"]
        self.sizes.append(images.shape[2:])
        return [1 - images.mean(axis=1)[:, ::2, ::2] / 255]


def sheet(size: tuple[int, int], *lines: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGB", size, "white")
    for box in lines:
        ImageDraw.Draw(image).rectangle(box, fill="black")
    return image


def middles(image: Image.Image, graph: Darkness) -> np.ndarray:
    found = LineFinder(graph).find(image)
    return np.array(sorted(found.corners.mean(axis=1).tolist()))


@pytest.mark.slow
def test_thin_lines_of_a_large_image_are_found_where_they_are_however_far_they_reach() -> None:
    across = (PART - 300, 700, PART + 500, 705)
    graph = Darkness()
    found = middles(sheet((3840, 1500), across, (3200, 1400, 3400, 1405)), graph)
    assert found == pytest.approx(np.array([[PART + 100, 702.5], [3300, 1402.5]]), abs=3)


@pytest.mark.slow
def test_parts_without_small_lines_are_not_looked_at() -> None:
    graph = Darkness()
    middles(sheet((3840, 2 * PART), (100, 100, 300, 105)), graph)
    parts = graph.sizes[2:]
    assert len(parts) == 1
    assert max(parts[0]) <= PART + 2 * MARGIN + 32


@pytest.mark.parametrize("size", [(1280, 600), (3840, 1800)])
def test_an_image_that_is_not_shrunk_or_shows_only_large_lines_is_not_looked_at_in_parts(size: tuple[int, int]) -> None:
    graph = Darkness()
    high = size[0] // 40
    assert len(middles(sheet(size, (100, 100, 1000, 100 + high)), graph)) == 1
    assert len(graph.sizes) == 2
