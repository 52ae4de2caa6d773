from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seetell.explain.photo_map import (
    draw_map,
    draw_neighbours,
    nearest_neighbours,
    principal_components,
    similarities,
    tsne,
    tsne_gradient,
)

RNG = np.random.default_rng(0)
CLUSTERS = np.concatenate([RNG.normal(size=(12, 5)) + 8 * centre for centre in np.eye(5)[:3]])


def test_principal_components_are_the_axes_of_largest_variance():
    line = np.outer(np.array([-2.0, -1.0, 0.0, 3.0]), [3.0, 4.0])  # 5 units a step along (0.6, 0.8)
    assert np.allclose(principal_components(line, 1)[:, 0], [-10, -5, 0, 15])
    places = principal_components(RNG.normal(size=(50, 3)) * [1, 5, 2] + 7)
    assert np.allclose(places.mean(axis=0), 0)
    assert abs(places[:, 0] @ places[:, 1]) < 1e-9
    assert places[:, 0].std() > places[:, 1].std()


def test_similarities_have_the_perplexity():
    joint = similarities(CLUSTERS, perplexity=6)
    assert joint.sum() == pytest.approx(1)
    assert np.allclose(joint, joint.T)
    equal = similarities(np.eye(7), perplexity=2)  # all are equally far: each of 6 others is as likely
    assert np.allclose(equal[~np.eye(7, dtype=bool)], 1 / 42)


def test_the_gradient_is_that_of_the_divergence():
    joint, places = similarities(CLUSTERS[:8], perplexity=2), RNG.normal(size=(8, 2))

    def divergence(places: np.ndarray) -> float:
        closeness = 1 / (1 + ((places[:, None] - places) ** 2).sum(axis=-1))
        np.fill_diagonal(closeness, 0)
        mine = closeness / closeness.sum()
        real = joint > 0
        return float((joint[real] * np.log(joint[real] / mine[real])).sum())

    gradient, step = tsne_gradient(joint, places), 1e-5
    for row, column in ((0, 0), (3, 1), (7, 0)):
        moved = [places.copy(), places.copy()]
        moved[0][row, column] += step
        moved[1][row, column] -= step
        numeric = (divergence(moved[0]) - divergence(moved[1])) / (2 * step)
        assert gradient[row, column] == pytest.approx(numeric, abs=1e-6)


def test_clusters_stay_together_on_the_map():
    places = tsne(CLUSTERS, perplexity=6, steps=250)
    own = np.repeat(np.arange(3), 12)
    assert (own[nearest_neighbours(places, 5)] == own[:, None]).mean() > 0.97
    assert np.allclose(places, tsne(CLUSTERS, perplexity=6, steps=250))


@pytest.mark.parametrize("vectors", [np.zeros((2, 4)), np.ones((5, 1)), np.eye(3)])
def test_few_and_equal_photos_have_a_map(vectors: np.ndarray):
    assert np.isfinite(tsne(vectors, steps=20)).all()


def test_neighbours_are_nearest_first_and_never_oneself():
    vectors = np.array([[0.0], [1.0], [3.0], [10.0]])
    assert nearest_neighbours(vectors, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_thumbnails_are_drawn_at_their_places():
    thumbnails = [Image.new("RGB", (10, 8), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    sheet = draw_map(thumbnails, np.array([[0.0, 0.0], [2.0, 5.0]]), side=100)
    assert sheet.getpixel((5, 5)) == (255, 0, 0)
    assert sheet.getpixel((95, 95)) == (0, 255, 0)
    assert sheet.getpixel((50, 50)) == (255, 255, 255)
    rows = draw_neighbours(thumbnails, np.array([[1], [0]]))
    assert rows.getpixel((8, 8)) == (255, 0, 0)
    assert rows.getpixel((30, 8)) == (0, 255, 0)
