"""Key points: COCO's average precision by the similarity of points, and the shares of limbs and of joints.

COCO (https://cocodataset.org/#keypoints-eval): the object key-point similarity of found points with true ones is the
mean, over the points that are marked, of ``exp(−d² / (2 s² k²))``, with ``d`` the distance, ``s²`` the object's area,
and ``k`` twice a deviation of each point that people's markings have. It takes the place of IoU in average precision,
which counts at most 20 persons of a photo. To the digit what pycocotools computes; crowds are left out.

Toshev & Szegedy, "DeepPose: Human Pose Estimation via Deep Neural Networks", CVPR 2014, section 4.1: a limb is detected
if both of its ends are within half its length of where they should be (PCP), a joint if it is within a share of the
torso's diameter (PDJ).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seetell.geometry.boxes import Box
from seetell.geometry.key_points import Points
from seetell.metrics.detection import DetectionScores, average_precisions

MOST = 20
"""Objects that count in one photo."""

COCO_SIGMAS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
"""Deviation of markings of each point, as a share of the square root of the area; left and right are alike."""

OTHER_SIGMA = 0.079
"""Of points that COCO does not have, such as the neck: its shoulders'."""


@dataclass(frozen=True)
class PosedObject:
    """An object with key points, a true one or one that was found.

    Attributes:
        label: the class.
        points: ``(K, 3)``, see :mod:`seetell.geometry.key_points`; the last column is read of true ones.
        box: ``xyxy``, in the units of the points; read of true ones.
        area: of a true one, in their squares.
        score: of one that was found.
    """

    label: str
    points: Points
    box: Box = (0.0, 0.0, 0.0, 0.0)
    area: float = 0.0
    score: float = 1.0

    @property
    def ignored(self) -> bool:
        """Whether it is a true one without a marked point."""
        return not (self.points[:, 2] > 0).any()


def sigmas_of(names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the deviation of each point, ``(K,)``, by the last word of its name, such as ``left_ankle``."""
    return np.array([COCO_SIGMAS.get(name.replace("_", " ").split()[-1], OTHER_SIGMA) for name in names])


def key_point_similarity(
    found: Sequence[PosedObject], true: Sequence[PosedObject], sigmas: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the similarity of ``D`` found objects with ``T`` true ones, ``(D, T)``.

    With a true object without a marked point, distances are those to its box, extended by its own width and height to
    all sides.
    """
    similarity = np.zeros((len(found), len(true)))
    variances = (2 * sigmas) ** 2
    for column, each in enumerate(true):
        marked = each.points[:, 2] > 0
        left, top, right, bottom = each.box
        near = np.array([left - (right - left), top - (bottom - top)])
        far = np.array([left + 2 * (right - left), top + 2 * (bottom - top)])
        for row, other in enumerate(found):
            if marked.any():
                off = other.points[:, :2] - each.points[:, :2]
            else:
                off = np.maximum(0, near - other.points[:, :2]) + np.maximum(0, other.points[:, :2] - far)
            error = (off**2).sum(axis=1) / variances / (each.area + np.spacing(1)) / 2
            similarity[row, column] = np.exp(-(error[marked] if marked.any() else error)).mean()
    return similarity


def key_point_average_precision(
    truth: Mapping[Any, Sequence[PosedObject]],
    found: Mapping[Any, Sequence[PosedObject]],
    sigmas: npt.NDArray[np.float64],
) -> DetectionScores:
    """Score key points; see :func:`~seetell.metrics.detection.detection_average_precision`.

    Args:
        truth: the true objects of each photo, by its id; those without a marked point are not to be found.
        found: by the same ids.
        sigmas: of the points, ``(K,)``; see :func:`sigmas_of`.
    """
    return average_precisions(truth, found, lambda own, true: key_point_similarity(own, true, sigmas), most=MOST)


def detected_limbs(found: Points, true: Points, skeleton: Sequence[tuple[int, int]]) -> npt.NDArray[np.float64]:
    """Return the share of each limb that is detected (PCP), ``(E,)``; not a number for one that is marked nowhere.

    Args:
        found: points of ``N`` objects, ``(N, K, 2)`` or more columns.
        true: ``(N, K, 3)``.
        skeleton: the two ends of each limb.
    """
    ends = np.array(skeleton, np.intp).reshape(-1, 2)
    distance = np.linalg.norm(found[..., :2] - true[..., :2], axis=-1)  # (N, K)
    length = np.linalg.norm(true[:, ends[:, 0], :2] - true[:, ends[:, 1], :2], axis=-1)  # (N, E)
    right = np.maximum(distance[:, ends[:, 0]], distance[:, ends[:, 1]]) <= length / 2
    marked = true[..., 2] > 0
    return _shares(right, marked[:, ends[:, 0]] & marked[:, ends[:, 1]])


def detected_joints(
    found: Points, true: Points, torso: tuple[int, int], *, share: float = 0.2
) -> npt.NDArray[np.float64]:
    """Return the share of each joint that is detected (PDJ), ``(K,)``; not a number for one that is marked nowhere.

    Args:
        found: points of ``N`` objects, ``(N, K, 2)`` or more columns.
        true: ``(N, K, 3)``.
        torso: a shoulder and the hip of the other side; objects without both are not counted.
        share: of their distance, that a joint may be off.
    """
    first, second = torso
    distance = np.linalg.norm(found[..., :2] - true[..., :2], axis=-1)
    diameter = np.linalg.norm(true[:, first, :2] - true[:, second, :2], axis=-1)[:, None]
    marked = true[..., 2] > 0
    counted = marked & (marked[:, first] & marked[:, second])[:, None]
    return _shares(distance <= share * diameter, counted)


def _shares(right: npt.NDArray[np.bool_], counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    total = counted.sum(axis=0)
    share: npt.NDArray[np.float64] = np.divide(
        (right & counted).sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return share
