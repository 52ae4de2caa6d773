"""The filter along scales."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter


def test_it_follows_what_grows(growing_film):
    scales, boxes = ScaleFilter(), growing_film.boxes
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    scales.start(growing_film.frames[0], tuple(centres[0]), tuple(sizes[0]))
    for frame, centre, size in zip(growing_film.frames[1:], centres[1:], sizes[1:], strict=True):
        assert scales.find(frame, tuple(centre)) == pytest.approx(size[0] / sizes[0][0], rel=0.06)
        scales.learn(frame, tuple(centre))


def test_what_vanishes_does_not_shrink_to_nothing(film):
    scales = ScaleFilter()
    scales.start(film.frames[0], (50.0, 60.0), (40.0, 28.0))
    scales.scale = 0.1
    assert scales.find(np.zeros_like(film.frames[0]), (50.0, 60.0)) * 28 >= 5
