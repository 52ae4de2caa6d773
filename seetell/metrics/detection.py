"""Object detection: average precision as COCO and as Pascal VOC compute it.

COCO (Lin et al. 2014, "Microsoft COCO"), https://cocodataset.org/#detection-eval, for boxes of any size and without
crowds, to the digit what pycocotools computes:

1. For each class and IoU threshold, the detections of a photo, highest score first and at most 100, take one true box
   each: of those not yet taken, the one that they overlap most, if by at least the threshold.
2. The detections of all photos, highest score first, give a precision-recall curve; average precision is the mean, over
   the recalls 0, 0.01 … 1, of the greatest precision at that recall or above.
3. AP is its mean over the IoUs 0.5, 0.55 … 0.95 and the classes of which there is a true box; AP50 is that of IoU 0.5.

Pascal VOC (Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge", section 4.2), without difficult
objects: a detection is right if its IoU with the true box of its class that it overlaps most is at least 0.5 and no
detection of higher score was right about that box. Until 2009 average precision was the mean of the greatest precision
at the recalls 0, 0.1 … 1 or above; since 2010 it is the area under the curve of that greatest precision. Departure:
edges lie between pixels here, while VOC's software counts a pixel more on each side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError
from seetell.geometry.boxes import Box, iou

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MAX_DETECTIONS = 100
"""Detections of a class that count in one photo."""

_RECALLS = np.linspace(0.0, 1.0, 101)
VOC_IOU = 0.5

Flags = npt.NDArray[np.bool_]


class Scored(Protocol):
    """An object of a class, a true one or one that was found."""

    @property
    def label(self) -> str:
        """The class."""

    @property
    def score(self) -> float:
        """Of one that was found."""

    @property
    def ignored(self) -> bool:
        """Whether a true one is not to be found; what is found there instead of another is not counted either."""


AnyScored = TypeVar("AnyScored", bound=Scored)


@dataclass(frozen=True)
class Detection:
    """A box of a class, a true one or one that was found.

    Attributes:
        label: the class.
        box: ``xyxy``, in the same units for the whole photo.
        score: of a box that was found.
    """

    label: str
    box: Box
    score: float = 1.0
    ignored: ClassVar[bool] = False


@dataclass(frozen=True)
class DetectionScores:
    """Average precision, from 0 to 1.

    Attributes:
        ap: mean over classes and IoUs.
        ap50: mean over classes at an IoU of 0.5.
        per_class: AP of each class that has a true box.
        boxes: number of true boxes.
        photos: number of photos.
    """

    ap: float
    ap50: float
    per_class: Mapping[str, float]
    boxes: int
    photos: int

    def to_dict(self) -> dict[str, Any]:
        """Return the scores ready for JSON, without those of each class."""
        return {"AP": self.ap, "AP50": self.ap50, "boxes": self.boxes, "photos": self.photos}


def detection_average_precision(
    truth: Mapping[Any, Sequence[Detection]], found: Mapping[Any, Sequence[Detection]]
) -> DetectionScores:
    """Score detections.

    Args:
        truth: the true boxes of each photo, by its id; a photo may have none.
        found: detections by the same ids; an absent photo has none.

    Raises:
        DataError: there is no true box, or a detection is of a photo that is not in ``truth``.
    """
    return average_precisions(truth, found, _box_overlaps)


def average_precisions(
    truth: Mapping[Any, Sequence[AnyScored]],
    found: Mapping[Any, Sequence[AnyScored]],
    overlaps: Callable[[Sequence[AnyScored], Sequence[AnyScored]], npt.NDArray[np.floating]],
    *,
    most: int = MAX_DETECTIONS,
) -> DetectionScores:
    """Score objects of any kind that overlap; see :func:`detection_average_precision`.

    Args:
        truth: the true objects of each photo, by its id.
        found: those that were found.
        overlaps: of ``D`` found ones with ``T`` true ones, ``(D, T)``.
        most: of a class that count in one photo.
    """
    labels = _labels(truth, found)
    table = {label: _precisions(label, truth, found, overlaps, most) for label in labels}  # by class: AP at each IoU
    return DetectionScores(
        ap=float(np.mean([*table.values()])),
        ap50=float(np.mean([each[0] for each in table.values()])),
        per_class={label: float(np.mean(each)) for label, each in table.items()},
        boxes=sum(not each.ignored for objects in truth.values() for each in objects),
        photos=len(truth),
    )


def _box_overlaps(found: Sequence[Detection], true: Sequence[Detection]) -> npt.NDArray[np.floating]:
    first, second = (np.array([each.box for each in boxes], np.float64).reshape(-1, 4) for boxes in (found, true))
    overlap: npt.NDArray[np.floating] = iou(first[:, None], second)
    return overlap


def average_precision(correct: Flags, total: int) -> float:
    """Return the average precision of detections in their order.

    Args:
        correct: whether each is correct, ``(N,)``.
        total: number of true boxes, at least 1.
    """
    found = np.cumsum(correct)
    precision = found / np.arange(1, len(correct) + 1)
    greatest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.append(greatest, 0.0)[np.searchsorted(found / total, _RECALLS)].mean())


def _precisions(
    label: str,
    truth: Mapping[Any, Sequence[AnyScored]],
    found: Mapping[Any, Sequence[AnyScored]],
    overlaps: Callable[[Sequence[AnyScored], Sequence[AnyScored]], npt.NDArray[np.floating]],
    most: int,
) -> list[float]:
    """Return the average precision of a class at each IoU."""
    total, scores, parts = 0, [np.zeros(0)], [np.zeros((2, len(IOUS), 0), np.bool_)]
    for photo in sorted(truth):  # by id, so that of equal scores those come first that do in pycocotools
        true = sorted((each for each in truth[photo] if each.label == label), key=lambda each: each.ignored)
        own = [each for each in found.get(photo, ()) if each.label == label]
        own = sorted(own, key=lambda each: -each.score)[:most]
        counted = sum(not each.ignored for each in true)
        total += counted
        scores.append(np.array([each.score for each in own]))
        parts.append(_matched(overlaps(own, true), counted))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    correct, ignored = np.concatenate(parts, axis=2)[:, :, order]
    return [average_precision(right[~out], total) for right, out in zip(correct, ignored, strict=True)]


def _matched(overlaps: npt.NDArray[np.floating], counted: int) -> npt.NDArray[np.bool_]:
    """Return which detections take a true object, and which take one that is ignored, at each IoU.

    Args:
        overlaps: of ``D`` detections, highest score first, with ``T`` true objects, ``(D, T)``.
        counted: of the true ones, the first, that are not ignored.

    Returns:
        ``(2, len(IOUS), D)``.
    """
    matched = np.zeros((2, len(IOUS), len(overlaps)), np.bool_)
    for number, least in enumerate(IOUS):
        free = overlaps.copy()
        for row in range(len(free)):
            for kind, part in enumerate((free[row, :counted], free[row, counted:])):
                if not len(part):
                    continue
                best = len(part) - 1 - int(part[::-1].argmax())  # the last of equal ones, as pycocotools has it
                if part[best] >= least:
                    matched[kind, number, row] = True
                    free[:, kind * counted + best] = -1.0
                    break
    return matched


@dataclass(frozen=True)
class VocScores:
    """Mean average precision of Pascal VOC, from 0 to 1.

    Attributes:
        map_2007: mean over classes of the average precision at eleven recalls.
        map_2010: mean over classes of the area under the curve.
        per_class: both of each class that has a true box.
    """

    map_2007: float
    map_2010: float
    per_class: Mapping[str, tuple[float, float]]


def voc_average_precision(
    truth: Mapping[Any, Sequence[Detection]], found: Mapping[Any, Sequence[Detection]]
) -> VocScores:
    """Score detections as Pascal VOC did; for arguments and errors see :func:`detection_average_precision`."""
    table = {}
    for label in _labels(truth, found):
        correct, total = _voc_correct(label, truth, found)
        recall = np.cumsum(correct) / total
        precision = np.cumsum(correct) / np.arange(1, len(correct) + 1)
        greatest = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
        eleven = greatest[np.searchsorted(recall, np.arange(11) / 10)].mean()
        area = np.sum(np.diff(recall, prepend=0.0) * greatest[:-1])
        table[label] = float(eleven), float(area)
    old, new = (float(np.mean(each)) for each in zip(*table.values(), strict=True))
    return VocScores(old, new, table)


def _labels(truth: Mapping[Any, Sequence[Scored]], found: Mapping[Any, Sequence[Scored]]) -> list[str]:
    """Return the classes that have a true object.

    Raises:
        DataError: there is none, or a detection is of a photo that is not in ``truth``.
    """
    stray = [photo for photo in found if photo not in truth]
    if stray:
        raise DataError(f"expected detections in the photos of the ground truth, but {stray[0]!r} is not one of them")
    labels = sorted({each.label for objects in truth.values() for each in objects if not each.ignored})
    if not labels:
        raise DataError("expected at least one box in the ground truth to score against, got none")
    return labels


def _voc_correct(
    label: str, truth: Mapping[Any, Sequence[Detection]], found: Mapping[Any, Sequence[Detection]]
) -> tuple[Flags, int]:
    """Return whether each detection of a class is right, highest score first, and the number of true boxes."""
    scores: list[float] = []
    correct: list[bool] = []
    total = 0
    for photo, boxes in truth.items():
        true = np.array([each.box for each in boxes if each.label == label], np.float64).reshape(-1, 4)
        total += len(true)
        taken = np.zeros(len(true), np.bool_)
        own = sorted((each for each in found.get(photo, ()) if each.label == label), key=lambda each: -each.score)
        for detection in own:
            overlaps = iou(np.array(detection.box, np.float64), true)
            best = int(overlaps.argmax()) if len(true) else -1
            right = best >= 0 and overlaps[best] >= VOC_IOU and not taken[best]
            if right:
                taken[best] = True
            scores.append(detection.score)
            correct.append(bool(right))
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(correct, np.bool_)[order], total
