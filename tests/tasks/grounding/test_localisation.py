from __future__ import annotations

import numpy as np

from seetell.tasks.grounding.localisation import cell_centres, ground_zero_shot, heatmap_peaks


def test_words_find_the_rectangle_of_cells_that_fit():
    cells = np.zeros((30, 2), np.float32)
    cells[:, 0] = 1
    place = np.zeros((5, 6), bool)
    place[1:4, 2:5] = True
    cells[place.ravel()] = [0, 1]
    found = ground_zero_shot(np.array([[0.0, 2.0]], np.float32), cells, (5, 6))
    np.testing.assert_allclose(found.boxes, [[2 / 6, 1 / 5, 5 / 6, 4 / 5]], rtol=1e-6)
    np.testing.assert_allclose(found.points, [[3.5 / 6, 2.5 / 5]], rtol=1e-6)
    np.testing.assert_allclose(found.scores, [1.0], rtol=1e-5)
    assert found.heat.shape == (1, 5, 6)
    np.testing.assert_allclose(found.heat.sum(), 1, rtol=1e-5)
    assert found.heat[0][place].min() > found.heat[0][~place].max()
    assert {part.dtype for part in (found.boxes, found.points, found.scores, found.heat)} == {np.dtype(np.float32)}


def test_no_phrases():
    found = ground_zero_shot(np.zeros((0, 2), np.float32), np.ones((6, 2), np.float32), (2, 3))
    assert len(found) == 0
    assert [part.shape for part in (found.boxes, found.points, found.scores, found.heat)] == [
        (0, 4),
        (0, 2),
        (0,),
        (0, 2, 3),
    ]


def test_the_peak_is_the_middle_of_a_warm_area():
    heat = np.zeros((1, 7, 7), np.float32)
    heat[0, 1, 1] = 0.3
    heat[0, 4:7, 4:7] = 0.7 / 9
    np.testing.assert_allclose(heatmap_peaks(heat), [[5.5 / 7, 5.5 / 7]], rtol=1e-6)


def test_cells_run_row_by_row():
    np.testing.assert_allclose(cell_centres((1, 2)), [[0.25, 0.5], [0.75, 0.5]])
    np.testing.assert_allclose(cell_centres((2, 1)), [[0.5, 0.25], [0.5, 0.75]])
