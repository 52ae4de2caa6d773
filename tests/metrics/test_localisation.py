from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.localisation import (
    Localisation,
    LocatedPhrases,
    centre_points,
    constant_boxes,
    fit_constant_box,
    localisation,
    whole_photos,
)


def phrases(*boxes: list[tuple[float, ...]], types: tuple[tuple[str, ...], ...] | None = None) -> LocatedPhrases:
    return LocatedPhrases(
        tuple(np.array(own, float) for own in boxes),
        types or (("people",),) * len(boxes),
        np.tile([10.0, 20.0], (len(boxes), 1)),
    )


def test_several_boxes_are_one_around_them_for_boxes_and_themselves_for_points():
    two = [(0, 0, 2, 2), (8, 0, 10, 2)]  # around them 0, 0, 10, 2
    truth = phrases(two, two, two, [(0, 0, 4, 4)])
    boxes = np.array([[0, 0, 10, 2], [0, 0, 2, 2], [0, 0, 10, 4], [0, 0, 4, 2]], float)  # IoU 1, 1/5, 1/2, 1/2
    points = np.array([[5, 1], [9, 1], [2, 2], [4.1, 1]], float)  # between, inside, on the corner, beside
    found = localisation(truth, boxes=boxes, points=points)
    assert found.overall == Localisation(4, 75.0, 50.0)
    assert localisation(truth, boxes=boxes - [0, 0, 0, 0.01]).overall == Localisation(4, 50.0, None)


def test_a_phrase_of_two_types_counts_in_both_and_once_overall():
    one = [(0, 0, 4, 4)]
    truth = phrases(one, one, one, types=(("vehicles", "scene"), ("scene",), ()))
    found = localisation(truth, points=np.array([[1, 1], [9, 9], [1, 1]], float))
    assert found.to_dict() == {
        "overall": {"phrases": 3, "recall": None, "pointing": pytest.approx(200 / 3)},
        "by_type": {
            "vehicles": {"phrases": 1, "recall": None, "pointing": 100.0},
            "scene": {"phrases": 2, "recall": None, "pointing": 50.0},
        },
    }


def test_what_is_scored_without_looking():
    truth = phrases([(0, 0, 10, 10)], [(0, 0, 2, 2)])
    assert centre_points(truth).tolist() == [[5, 10], [5, 10]]
    assert whole_photos(truth).tolist() == [[0, 0, 10, 20]] * 2
    assert constant_boxes(truth, (0.1, 0.5, 0.6, 1)).tolist() == [[1, 10, 6, 20]] * 2
    found = localisation(truth, boxes=whole_photos(truth), points=centre_points(truth))
    assert found.overall == Localisation(2, 50.0, 50.0)


def test_the_constant_box_is_found_between_the_grid():
    # as high as the photo, it is right for all three only if it ends between 2.6 and 3.6; eighths end at 2.5 and 3.75
    truth = phrases([(0, 0, 1.8, 20)], [(0, 0, 3, 20)], [(0, 0, 5.2, 20)])
    box = fit_constant_box(truth)
    assert localisation(truth, boxes=constant_boxes(truth, box)).overall.recall == 100.0
    assert 0.26 <= box[2] <= 0.36
    assert fit_constant_box(phrases([(0, 5, 10, 20)])) == (0, 0.25, 1, 1)


@pytest.mark.parametrize(
    ("boxes", "types", "sizes"),
    [
        ((), (), np.zeros((0, 2))),
        ((np.zeros((1, 4)),), (), np.ones((1, 2))),
        ((np.zeros((1, 4)),), ((),), np.ones(2)),
        ((np.zeros((0, 4)),), ((),), np.ones((1, 2))),
        ((np.zeros(4),), ((),), np.ones((1, 2))),
    ],
)
def test_phrases_that_do_not_agree(
    boxes: tuple[np.ndarray, ...], types: tuple[tuple[str, ...], ...], sizes: np.ndarray
):
    with pytest.raises(DataError, match="expected"):
        LocatedPhrases(boxes, types, sizes)


def test_places_that_do_not_fit_the_phrases():
    truth = phrases([(0, 0, 2, 2)])
    with pytest.raises(DataError, match="expected boxes or points"):
        localisation(truth)
    with pytest.raises(DataError, match=r"boxes: expected one for each phrase, of shape \(1, 4\), got \(2, 4\)"):
        localisation(truth, boxes=np.zeros((2, 4)))
    with pytest.raises(DataError, match=r"points: expected one for each phrase, of shape \(1, 2\), got \(1, 4\)"):
        localisation(truth, points=np.zeros((1, 4)))
