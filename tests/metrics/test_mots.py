from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.mots import mots_frames
from seetell.metrics.tracking import clear_mot


@dataclass(frozen=True)
class Block:
    """A rectangle of pixels, as an object of a frame."""

    frame: int
    id: int
    corners: tuple[int, int, int, int]
    kind: int = 2
    size: tuple[int, int] = (20, 10)

    @property
    def pixels(self) -> np.ndarray:
        pixels = np.zeros(self.size[::-1], bool)
        left, top, right, bottom = self.corners
        pixels[top:bottom, left:right] = True
        return pixels


def test_a_hand_worked_video():
    true = [Block(1, 1, (0, 0, 10, 10)), Block(2, 1, (0, 0, 10, 10)), Block(2, 2, (10, 0, 20, 10))]
    found = [Block(1, 7, (0, 0, 8, 10)), Block(2, 8, (0, 0, 10, 10)), Block(2, 9, (10, 0, 13, 10))]
    found.append(Block(3, 7, (0, 0, 1, 1)))
    frames = mots_frames(true, found)
    assert frames[0].similarity == pytest.approx(np.array([[0.8]]))
    assert frames[1].similarity == pytest.approx(np.array([[1.0, 0.0], [0.0, 0.3]]))
    clear = clear_mot(frames)
    assert (clear.matches, clear.missed, clear.false, clear.switches) == (2, 1, 2, 1)
    assert clear.smota == pytest.approx((0.8 + 1.0 - 2 - 1) / 3)  # sMOTSA
    assert clear.mota == pytest.approx((2 - 2 - 1) / 3)


def test_what_lies_in_a_region_to_be_ignored_is_not_false():
    true = [Block(1, 1, (0, 0, 5, 10)), Block(1, 10000, (8, 0, 16, 10), kind=10), Block(1, 3, (16, 0, 20, 10), kind=1)]
    found = [Block(1, 7, (0, 0, 5, 10)), Block(1, 8, (9, 0, 13, 10)), Block(1, 9, (13, 0, 20, 10))]
    (frame,) = mots_frames(true, found)
    assert (frame.true.tolist(), frame.found.tolist()) == ([1], [7, 9])
    assert frame.similarity.tolist() == [[1.0, 0.0]]


def test_frames_are_those_of_pycocotools():
    codec = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    halves = [(0, 0, int(x), 10) for x in rng.integers(1, 20, 6)]
    for one, other in zip(halves[:3], halves[3:], strict=True):
        (frame,) = mots_frames([Block(1, 1, one)], [Block(1, 1, other)])
        coded = [codec.encode(np.asfortranarray(Block(1, 1, each).pixels.astype(np.uint8))) for each in (one, other)]
        assert frame.similarity == pytest.approx(codec.iou(coded[:1], coded[1:], [0]))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([Block(1, 1, (0, 0, 5, 5)), Block(1, 2, (4, 4, 9, 9))], "masks overlap"),
        ([Block(1, 1, (0, 0, 5, 5)), Block(1, 1, (6, 6, 9, 9))], "two have one id"),
        ([Block(1, 1, (0, 0, 5, 5), size=(8, 8))], "true and predicted masks differ in size"),
    ],
)
def test_masks_that_are_none_of_the_format(found: list[Block], message: str):
    with pytest.raises(DataError, match=f"frame 1: .*{message}"):
        mots_frames([Block(1, 1, (0, 0, 5, 5))], found)
