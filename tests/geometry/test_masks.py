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
