"""Which objects of an image can be explained: each by how surely it is found in another image at the same place.

Petsiuk et al., "Black-box Explanation of Object Detectors via Saliency Maps" (D-RISE), CVPR 2021, equation 2: a
detection in the covered image counts as far as its box overlaps that of the object and its class is the object's; the
score is that of the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seetell.errors import NotPredictedError, PhotoError, UsageError, unknown
from seetell.explain.explained import MOST_NAMED, Explained, Score, chosen
from seetell.geometry.boxes import iou
from seetell.photos.opening import PhotoSource
from seetell.results import Region
from seetell.tasks.detection.detector import Detector

LEAST_SCORE = 0.01
"""Of detections in covered images."""

MOST = 100


def explain(predictor: Detector[Any], image: PhotoSource, text: str, names: Sequence[str]) -> Explained:
    """Return the objects that are found as targets; see :data:`seetell.explain.explained.Explain`.

    Args:
        predictor: any detector.
        image: in which objects are found.
        text: none.
        names: classes of objects; all objects when there are none.

    Raises:
        PhotoError: no object is found.
        UsageError: a name is of no class of the detector, none of it is found, or there is a text.
    """
    if text:
        raise UsageError("objects are detected without a text; name the objects to explain instead")
    found = predictor.predict(image)
    if not len(found):
        raise PhotoError("no object is found in the image, so there is none to explain")
    _check_classes(names, predictor)
    texts = [each.text for each in found]
    for name in names:
        if name.strip().lower() not in map(str.lower, texts):
            there = ", ".join(dict.fromkeys(texts))
            raise NotPredictedError(f"no {name.strip()} is found in the image; found are: {there}")
    objects = [found[place] for place in chosen("object", texts, names, whole="the image")]

    answer = ", ".join(f"{each.text} {each.score:.0%}" for each in found)
    return Explained(
        answer,
        tuple(each.text for each in objects),
        scores_at(predictor, found.size, objects),
        boxes=[each.box for each in objects],
    )


def scores_at(predictor: Detector[Any], size: tuple[int, int], objects: Sequence[Region]) -> Score:
    """Return what scores objects in other images at the same places; see :data:`seetell.explain.explained.Score`.

    Args:
        predictor: any detector.
        size: width and height of the image that the objects were found in.
        objects: their boxes and classes.
    """

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        prepared = [predictor.prepare(image) for image in images]
        rows = []
        for each in predictor.predict_prepared(prepared, threshold=LEAST_SCORE, top=MOST, same_place_iou=1.0):
            if isinstance(each, Exception):
                raise each
            scale = max(size) / max(each.size)  # the image may have been made smaller
            rows.append([_similarity(target, each.regions, scale) for target in objects])
        return np.array(rows)

    return score


def _check_classes(names: Sequence[str], predictor: Detector[Any]) -> None:
    """Raise a ``UsageError`` if a name is of no class that the detector finds, in any image."""
    known = {label.lower() for label in predictor.labels}
    for name in names:
        if known and name.strip().lower() not in known:
            raise UsageError(f"{predictor.name}: {unknown('class', name, predictor.labels, most=MOST_NAMED)}")


def _similarity(target: Region, found: Sequence[Region], scale: float) -> float:
    """Return the highest product of score and overlap among detections of the target's class."""
    same = [each for each in found if each.text == target.text]
    if not same:
        return 0.0
    boxes = np.array([each.box for each in same]) * scale
    overlaps = iou(np.array([target.box]), boxes)
    return float((overlaps * [each.score for each in same]).max())
