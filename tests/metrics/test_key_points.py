from __future__ import annotations

import math

import numpy as np
import pytest
from coco_reference import coco_scores

from seetell.metrics.key_points import (
    PosedObject,
    detected_joints,
    detected_limbs,
    key_point_average_precision,
    key_point_similarity,
    sigmas_of,
)

COCO_NAMES = ["nose"] + [
    f"{side}_{name}"
    for name in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]


def posed(points: list[tuple[float, float, int]], *, area: float = 100.0, score: float = 1.0) -> PosedObject:
    return PosedObject("person", np.array(points, float), (0, 0, 10, 10), area, score)


def test_similarity_by_hand():
    sigmas = np.array([0.1, 0.05])
    true = posed([(0, 0, 2), (5, 5, 1)])
    found = posed([(3, 4, 0), (5, 5, 0)])  # 5 pixels off, and right
    expected = (math.exp(-25 / (2 * 100 * 0.2**2)) + 1) / 2
    assert key_point_similarity([found], [true], sigmas) == pytest.approx(np.array([[expected]]))
    unmarked = posed([(0, 0, 2), (0, 0, 0)])
    assert key_point_similarity([found], [unmarked], sigmas)[0, 0] == pytest.approx(2 * expected - 1)


def test_an_object_without_marked_points_is_not_to_be_found():
    true = [posed([(0, 0, 2), (5, 5, 2)]), posed([(0, 0, 0), (0, 0, 0)])]
    found = [posed([(0, 0, 0), (5, 5, 0)], score=0.5), posed([(12, 12, 0), (13, 13, 0)], score=0.9)]
    scores = key_point_average_precision({1: true}, {1: found}, np.array([0.1, 0.1]))
    assert (scores.ap, scores.boxes) == (pytest.approx(1), 1)


def test_it_is_what_pycocotools_computes():
    pytest.importorskip("pycocotools")
    random = np.random.default_rng(0)
    sigmas = sigmas_of(COCO_NAMES)
    truth, found = {}, {}
    for photo in range(30):
        objects = []
        for _ in range(random.integers(0, 5)):
            place, side = random.uniform(0, 200, 2), random.uniform(30, 120, 2)
            points = np.concatenate([place + side * random.random((17, 2)), random.integers(0, 3, (17, 1))], axis=1)
            if random.random() < 0.2:
                points[:] = 0
            else:
                points[points[:, 2] == 0] = 0
            objects.append(
                PosedObject("person", points, (*place, *(place + side)), float(side.prod() * random.uniform(0.3, 1)))
            )
        truth[photo] = objects
        found[photo] = [
            PosedObject(
                "person",
                np.concatenate([each.points[:, :2] + random.normal(0, 6, (17, 2)), np.ones((17, 1))], axis=1),
                score=float(random.integers(20) / 20),
            )
            for each in objects * 2
        ] + [
            PosedObject(
                "person", np.concatenate([random.uniform(0, 200, (17, 2)), np.ones((17, 1))], axis=1), score=0.4
            )
        ]
    annotations = [
        {
            "image_id": photo,
            "category_id": 0,
            "keypoints": each.points.ravel().tolist(),
            "num_keypoints": int((each.points[:, 2] > 0).sum()),
            "area": each.area,
            "bbox": [*each.box[:2], each.box[2] - each.box[0], each.box[3] - each.box[1]],
        }
        for photo, objects in truth.items()
        for each in objects
    ]
    results = [
        {"image_id": photo, "category_id": 0, "keypoints": each.points.ravel().tolist(), "score": each.score}
        for photo, objects in found.items()
        for each in objects
    ]
    expected = coco_scores("keypoints", list(truth), annotations, results, classes=1, sigmas=sigmas)
    scores = key_point_average_precision(truth, found, sigmas)
    assert (scores.ap, scores.ap50) == pytest.approx(expected, abs=1e-9)
    assert 0.05 < scores.ap < 0.95


def test_cocos_deviations_are_pycocotools():
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    np.testing.assert_allclose(sigmas_of(COCO_NAMES), evaluation.Params("keypoints").kpt_oks_sigmas)


def test_limbs_and_joints_by_hand():
    true = np.array([[(0, 0, 2), (10, 0, 2), (10, 10, 0)], [(0, 0, 2), (10, 0, 2), (10, 10, 2)]], float)
    found = np.array([[(4, 0), (10, 5), (0, 0)], [(6, 0), (10, 0), (10, 10)]], float)
    # the first limb of 10 pixels: off by 4 and 5, and by 6 and 0; the second is marked once
    np.testing.assert_array_equal(detected_limbs(found, true, [(0, 1), (1, 2)]), [0.5, 1])
    np.testing.assert_array_equal(detected_joints(found, true, (0, 1), share=0.5), [0.5, 1, 1])
    assert np.isnan(detected_joints(found, np.zeros_like(true), (0, 1))).all()
