"""MOSSE, against least squares over all shifts."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.single_object_tracking.filters.correlation import gaussian_labels, restore, transform
from seetell.tasks.single_object_tracking.filters.mosse import Mosse, peak_to_sidelobe


def shifts(window: np.ndarray) -> np.ndarray:
    """All cyclic shifts of a window, one a row."""
    rows, columns = window.shape
    return np.stack([np.roll(window, (-y, -x), (0, 1)).ravel() for y in range(rows) for x in range(columns)])


def test_the_filter_has_the_least_squared_error_over_all_windows():
    random = np.random.default_rng(1)
    windows, wanted = random.normal(size=(3, 5, 6)), gaussian_labels(5, 6, 1.0)
    tracker = Mosse(perturbations=0)
    tracker._cells = (6, 5)
    tracker.prepare()
    tracker._wanted = transform(wanted)
    tracker.learn(windows, 1.0)
    response = restore(transform(windows[0]) * tracker._numerator / tracker._denominator, (5, 6))
    equations = np.concatenate([shifts(window) for window in windows])
    best, *_ = np.linalg.lstsq(equations, np.tile(wanted.ravel(), 3), rcond=None)
    np.testing.assert_allclose(response.ravel(), shifts(windows[0]) @ best, atol=1e-5)


def test_the_peak_to_sidelobe_ratio():
    response = np.zeros((20, 20))
    response[::2] = 1.0
    response[4, 6] = 9.0
    assert peak_to_sidelobe(response) == pytest.approx((9 - 0.5) / 0.5, rel=0.05)


def test_what_is_hidden_is_not_learnt(film):
    tracker = Mosse()
    tracker.start(film.frames[0], film.box)
    assert tracker.update(film.frames[1]).score > 0.5
    before = tracker._numerator.copy()
    assert tracker.update(np.random.default_rng(0).integers(0, 256, film.frames[0].shape, np.uint8)).score < 0.5
    np.testing.assert_array_equal(tracker._numerator, before)
