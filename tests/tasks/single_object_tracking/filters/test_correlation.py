"""Peaks of cyclic responses."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.single_object_tracking.filters.correlation import gaussian_labels, peak_of


def test_labels_are_a_hill_around_the_first_cell():
    labels = gaussian_labels(6, 8, 1.5)
    assert labels[0, 0] == 1
    assert labels[1, 2] == labels[-1, -2] == pytest.approx(np.exp(-5 / 4.5))


@pytest.mark.parametrize(("across", "down"), [(0.3, -1.4), (-2.6, 2.2), (0.0, 0.0)])
def test_a_peak_is_found_between_cells_the_short_way_round(across: float, down: float):
    rows, columns = np.fft.fftfreq(9, 1 / 9), np.fft.fftfreq(10, 1 / 10)
    response = 0.8 - 0.01 * ((rows[:, None] - down) ** 2 + (columns[None, :] - across) ** 2)
    moved, height = peak_of(response)
    assert moved == pytest.approx((across, down))
    assert height == pytest.approx(0.8, abs=0.01)
