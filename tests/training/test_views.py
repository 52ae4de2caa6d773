from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.training.views import View

SIZE = (64, 48)


def image_of(box: tuple[int, int, int, int]) -> torch.Tensor:
    """Return an image ``(3, 48, 64)`` of minus one with a box of one."""
    left, top, right, bottom = box
    image = torch.full((3, 48, 64), -1.0)
    image[:, top:bottom, left:right] = 1.0
    return image


@pytest.mark.parametrize(
    "view", [View(0.5, (0.5, -0.5)), View(0.8, (-0.1, 0.2)), View(1.25, (0.2, 0.25)), View(1, (0, 0))]
)
def test_boxes_move_with_pixels(view):
    box = (36, 8, 52, 20)
    (moved,), kept = view.boxes(torch.tensor([box], dtype=torch.float32), size=SIZE)
    assert kept.tolist() == [True]
    bright = (view.pixels(image_of(box))[0] > 0.0).numpy()
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert np.abs(moved.numpy() - found).max() <= 1


def test_a_margin_has_the_mean_colour():
    seen = View(2.0, (0.0, 0.0)).pixels(torch.ones(3, 48, 64))
    assert seen[:, :10].abs().max() == 0
    assert torch.equal(seen[:, 14:34, 18:46], torch.ones(3, 20, 28))


def test_boxes_that_are_hardly_seen_are_not_learnt_from():
    boxes = torch.tensor([[0.0, 0, 20, 20], [0, 0, 36, 20], [28, 20, 36, 24], [60, 40, 64, 48], [44, 30, 60, 44]])
    seen, kept = View(0.5, (0.25, 0.25)).boxes(boxes, size=SIZE)  # shows 24 to 56 across, 18 to 42 down
    assert kept.tolist() == [False, False, True, False, True]
    assert seen[2].tolist() == [8.0, 4.0, 24.0, 12.0]
    assert seen[4].tolist() == [40.0, 24.0, 64.0, 48.0]


def test_views_lie_within_the_image_or_around_it():
    random = np.random.default_rng(0)
    views = [View.draw((0.8, 1.45), random) for _ in range(200)]
    shares = [view.share for view in views]
    assert min(shares) < 0.75
    assert max(shares) > 1.2
    assert min(shares) >= 1 / 1.45
    assert max(shares) <= 1 / 0.8
    for view in views:
        edges = [centre + side * view.share for centre in view.centre for side in (-1, 1)]
        if view.share <= 1:
            assert max(map(abs, edges)) <= 1 + 1e-9
        else:
            assert min(map(abs, edges)) >= 1 - 1e-9
