import numpy as np
import pytest
from pycocotools import mask as coco

from seetell.errors import DataError
from seetell.geometry.polygons import fill_polygons, outlines

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of pycocotools


def filled_by_coco(polygons: list[list[float]], size: tuple[int, int]) -> np.ndarray:
    parts = coco.frPyObjects(polygons, size[1], size[0])
    return coco.decode(coco.merge(parts)).astype(bool)


def test_a_triangle_by_hand() -> None:  # centres of pixels on its edge are outside
    filled = fill_polygons([[0, 0, 4, 0, 0, 4]], (4, 4))
    assert filled.astype(int).tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_filled_polygons_are_those_of_pycocotools() -> None:
    random = np.random.default_rng(0)
    for _ in range(150):
        size = int(random.integers(1, 50)), int(random.integers(1, 50))
        polygons = [
            (random.random((random.integers(3, 9), 2)) * np.array(size) * 1.4 - np.array(size) * 0.2).ravel().tolist()
            for _ in range(random.integers(1, 3))
        ]
        np.testing.assert_array_equal(fill_polygons(polygons, size), filled_by_coco(polygons, size))


def test_corners_given_twice_change_nothing() -> None:
    np.testing.assert_array_equal(
        fill_polygons([[1, 1, 1, 1, 6, 1, 6, 5, 1, 5, 1, 5]], (8, 8)), fill_polygons([[1, 1, 6, 1, 6, 5, 1, 5]], (8, 8))
    )


@pytest.mark.parametrize("polygon", [[], [0, 0, 1, 1], [0, 0, 1, 1, 2], [0, 0, 1, 1, float("nan"), 2]])
def test_what_is_no_polygon_is_refused(polygon: list[float]) -> None:
    with pytest.raises(DataError, match="polygon"):
        fill_polygons([polygon], (4, 4))


def test_far_corners_take_no_memory() -> None:
    assert fill_polygons([[-1e300, -1e300, 1e300, -1e300, 1e300, 1e300, -1e300, 1e300]], (4, 3)).all()


def test_outline_of_a_square() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    assert outlines(mask) == [[1, 1, 4, 1, 4, 3, 1, 3]]


def test_pixels_that_touch_at_a_corner_are_parts_of_their_own() -> None:
    assert len(outlines(np.eye(2, dtype=bool))) == 2
    assert len(outlines(np.eye(2, dtype=bool)[::-1])) == 2


@pytest.mark.slow
def test_outlines_give_back_the_mask() -> None:
    random = np.random.default_rng(1)
    ring = np.ones((7, 7), bool)
    ring[1:6, 1:6] = False
    ring[3, 3] = True
    masks = [random.random((12, 10)) < share for share in np.linspace(0, 1, 40)]
    for mask in [ring, np.ones((1, 1), bool), np.zeros((2, 3), bool), *masks]:
        size = mask.shape[::-1]
        polygons = outlines(mask)
        np.testing.assert_array_equal(fill_polygons(polygons, size), mask)
        if polygons:
            np.testing.assert_array_equal(filled_by_coco(polygons, size), mask)
