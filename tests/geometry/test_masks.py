import numpy as np
import pytest
from pycocotools import mask as coco

from seetell.errors import DataError
from seetell.geometry.masks import (
    area,
    compress,
    decode,
    decompress,
    encode,
    from_run_lengths,
    label_map,
    mask_box,
    mask_iou,
    paste,
    run_lengths,
)

MASK = np.array([[0, 1, 1], [0, 1, 0]], bool)


def random_masks(count: int = 40) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    sizes = random.integers(1, 60, (count, 2))
    masks = [random.random(tuple(size)) < random.random() for size in sizes]
    large = np.zeros((700, 900), bool)
    large[40:600, 100:700] = True
    return [*masks, large, ~large, np.zeros((3, 4), bool), np.ones((3, 4), bool)]


def test_run_lengths_count_columns_from_outside() -> None:
    assert run_lengths(MASK).tolist() == [2, 3, 1]
    assert run_lengths(~MASK).tolist() == [0, 2, 3, 1]
    assert run_lengths(np.zeros((2, 2), bool)).tolist() == [4]
    assert run_lengths(np.ones((2, 2), bool)).tolist() == [0, 4]


def test_compressed_run_lengths_are_those_of_pycocotools() -> None:
    for mask in random_masks():
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        text = encode(mask)
        assert text == theirs["counts"].decode()
        assert area(text) == mask.sum() == coco.area(theirs)
        np.testing.assert_array_equal(decode(text, mask.shape[::-1]), mask)


def test_counts_as_a_list() -> None:
    np.testing.assert_array_equal(from_run_lengths([2, 3, 1], (3, 2)), MASK)
    assert decompress(compress([2, 3, 1])).tolist() == [2, 3, 1]
    assert compress([]) == ""
    assert len(decompress("")) == 0


@pytest.mark.parametrize("text", ["é", "\n", "P", "PPPPPPPPP0", "4444", "", "~"])
def test_damaged_run_lengths_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="run lengths"):
        decode(text, (3, 2))


def test_pasting_by_hand() -> None:
    """A cell's value is that at its centre: a box over whole pixels with a cell for each gives the cells back."""
    cells = np.array([[0.9, 0.2, 0.6], [0.4, 0.5, 0.1]])
    pasted = paste(cells, (2, 1, 5, 3), (7, 4))
    expected = np.zeros((4, 7), bool)
    expected[1:3, 2:5] = cells >= 0.5
    np.testing.assert_array_equal(pasted, expected)
    # two cells over four pixels: centres at 1 and 3, pixels' at 0.5, 1.5, 2.5 and 3.5; the first is 1, the second 0
    # values 0.75 (towards the zeros around), 0.75, 0.25 and 0
    row = np.array([[1.0, 0.0]])
    assert paste(row, (0, 0, 4, 1), (4, 1), threshold=0.75).tolist() == [[True, True, False, False]]
    assert paste(row, (0, 0, 4, 1), (4, 1), threshold=0.25).tolist() == [[True, True, True, False]]
    # moved by half a pixel, pixels' centres are at 0, 1, 2 and 3: 0.5, 1, 0.5 and 0
    assert paste(row, (0.5, 0, 4.5, 1), (5, 1)).tolist() == [[True, True, True, False, False]]


def test_a_box_beyond_the_image_or_without_an_area() -> None:
    full = np.ones((28, 28))
    assert paste(full, (-2, -3, 4, 2), (5, 4)).sum() == 4 * 2
    for box in ((1, 1, 1, 3), (9, 9, 12, 12), (3, 3, 2, 2)):
        assert not paste(full, box, (5, 4)).any()


def test_pasting_is_that_of_detectron() -> None:
    """The rule of ``_do_paste_mask``: ``grid_sample`` with ``align_corners=False`` and zeros around."""
    functional = pytest.importorskip("torch.nn.functional")
    from torch import from_numpy, meshgrid, stack

    random = np.random.default_rng(0)
    for _ in range(20):
        cells = random.random((28, 28))
        width, height = map(int, random.integers(20, 90, 2))
        corner, side = random.uniform(-5, 40, 2), random.uniform(1, 60, 2)
        box = (*corner.tolist(), *(corner + side).tolist())
        x = (np.arange(width) + 0.5 - box[0]) / side[0] * 2 - 1
        y = (np.arange(height) + 0.5 - box[1]) / side[1] * 2 - 1
        rows, columns = meshgrid(from_numpy(y), from_numpy(x), indexing="ij")
        sampled = functional.grid_sample(
            from_numpy(cells)[None, None], stack([columns, rows], dim=-1)[None], align_corners=False
        )
        np.testing.assert_array_equal(paste(cells, box, (width, height)), sampled[0, 0].numpy() >= 0.5)


def test_box_of_a_mask() -> None:
    assert mask_box(MASK) == (1, 0, 3, 2)
    assert mask_box(np.zeros((2, 2), bool)) == (0, 0, 0, 0)


def test_iou_is_that_of_pycocotools() -> None:
    random = np.random.default_rng(1)
    one, other = random.random((4, 9, 7)) < 0.5, random.random((3, 9, 7)) < 0.5
    crowd = np.array([False, True, False])
    first, second = ([coco.encode(np.asfortranarray(m.astype(np.uint8))) for m in masks] for masks in (one, other))
    np.testing.assert_allclose(mask_iou(one, other, crowd=crowd), coco.iou(first, second, crowd), atol=1e-12)
    assert mask_iou(np.zeros((1, 2, 2), bool), np.zeros((1, 2, 2), bool)).tolist() == [[0.0]]


def test_label_map_has_the_first_mask_on_top() -> None:
    below = np.ones((2, 3), bool)
    assert label_map([(encode(MASK), 2), (encode(below), 300)], (3, 2)).tolist() == [[45, 2, 2], [45, 2, 45]]
