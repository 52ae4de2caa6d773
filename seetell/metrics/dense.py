"""Dense captioning: mean average precision of regions and their phrases, and recall.

The metric of Johnson, Karpathy and Fei-Fei (2016, "DenseCap", section 4.1), as their evaluation computes it:

1. True boxes of a photo with an intersection over union (IoU) of at least 0.7 are merged greedily: repeatedly, the box
   with most such neighbours (the first on a tie) is merged with them. The true region is their mean, and all their
   phrases are its references.
2. Each detection, highest score first within its photo, is assigned to the true region that it overlaps most (the first
   on a tie) and takes it, so a later detection of the same region is wrong, whatever the overlap of the first was. A
   detection without overlap is wrong and takes no region.
3. A detection is correct at a pair of thresholds if it took its region, their IoU is *at least* the one, and METEOR of
   its phrase against the references is *above* the other.
4. The detections of all photos, highest score first and ties in the given order, give a precision-recall curve. Average
   precision (AP) is the mean over the recalls 0, 0.01 … 1 of the greatest precision at that recall or above.
5. mAP is the mean AP over the IoUs 0.3, 0.4, 0.5, 0.6, 0.7 and the METEORs 0, 0.05, 0.1, 0.15, 0.2, 0.25.

Detection AP ignores METEOR. Recall is the share of true regions that one of the first n detections of their photo
overlaps enough; one detection may do so for several.

Two bugs of the original are not repeated. There, a detection without overlap looks up region -1, which is the last one,
and so takes it from the detection it belongs to. And the loop over recalls adds 0.01 at a time and misses 1 by
rounding: it prints the mean over 100 recalls, which is up to 1% higher in relative terms.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError
from seetell.geometry.boxes import Box, Boxes, area, iou
from seetell.language.tokenizer import tokenize
from seetell.metrics.detection import average_precision
from seetell.metrics.meteor import Meteor
from seetell.results import Region

IOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
METEORS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
RECALL_IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
COUNTS = (50, 100, 300)
"""Numbers of detections per photo for recall."""

_MERGE_IOU = 0.7

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class TrueRegion(Protocol):
    """A region of the ground truth, such as ``seetell.data.records.RegionRecord``."""

    @property
    def box(self) -> Box:
        """``xyxy`` in pixels."""

    @property
    def phrases(self) -> Sequence[str]:
        """At least one."""


@dataclass(frozen=True)
class Recall:
    """The recall of true regions.

    Attributes:
        at_half: at an IoU of at least 0.5.
        mean: mean over IoUs of at least 0.5, 0.55 … 0.95.
    """

    at_half: float
    mean: float


@dataclass(frozen=True)
class DenseScores:
    """Dense captioning scores, from 0 to 1.

    Attributes:
        mean_ap: mAP, the mean of ``table``; ``None`` without phrases.
        table: AP by IoU and METEOR, in the order of ``IOUS`` and ``METEORS``.
        detection_ap: the mean of ``detection``.
        detection: AP of the boxes alone, by IoU.
        recall: recall by the number of detections per photo.
        regions: number of true regions after merging.
        photos: number of photos.
    """

    mean_ap: float | None
    table: tuple[tuple[float, ...], ...] | None
    detection_ap: float
    detection: tuple[float, ...]
    recall: dict[int, Recall]
    regions: int
    photos: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        document: dict[str, Any] = {} if self.mean_ap is None else {"mAP": self.mean_ap}
        document["detection_mAP"] = self.detection_ap
        for count, recall in self.recall.items():
            document |= {f"recall_{count}": recall.at_half, f"recall_{count}_mean": recall.mean}
        document |= {"regions": self.regions, "photos": self.photos}
        document["detection_AP"] = {f"{at:g}": found for at, found in zip(IOUS, self.detection, strict=True)}
        if self.table is not None:
            document["AP"] = {
                f"{at:g}": {f"{above:g}": found for above, found in zip(METEORS, row, strict=True)}
                for at, row in zip(IOUS, self.table, strict=True)
            }
        return document


def dense_average_precision(
    ground_truth: Mapping[Any, Sequence[TrueRegion]],
    detections: Mapping[Any, Sequence[Region]],
    *,
    meteor: Meteor | None = None,
    phrases: bool = True,
) -> DenseScores:
    """Score detected regions against true ones.

    Args:
        ground_truth: the regions of each photo, by its id; a photo may have none.
        detections: predicted regions by the same ids, boxes in the same pixels, in any order; an absent photo has none.
            Texts may be empty, and scores must be comparable over all photos.
        meteor: scorer of the phrases, a new one by default. Only phrases that can be correct are scored.
        phrases: ``False`` scores only the boxes and needs no METEOR.

    Raises:
        DataError: there is no true region, a detection is of a photo not in ``ground_truth``, a true region has no
            phrase,
             a box has no area or a number is not finite, or METEOR is not installed.
    """
    stray = [photo for photo in detections if photo not in ground_truth]
    if stray:
        raise DataError(f"expected regions of the photos of the ground truth, but {stray[0]!r} is not one of them")
    matched = [_Photo.of(photo, regions, detections.get(photo, ())) for photo, regions in ground_truth.items()]
    total = sum(len(photo.references) for photo in matched)
    if not total:
        raise DataError("expected at least one region in the ground truth to score against, got none")
    order = np.argsort(-np.concatenate([photo.scores for photo in matched]), kind="stable")
    overlaps = np.concatenate([np.where(photo.taken, photo.overlaps, -1.0) for photo in matched])[order]
    detection = tuple(average_precision(overlaps >= at, total) for at in IOUS)
    table = None
    if phrases:
        meteors = _meteors(matched, meteor)[order]
        table = tuple(
            tuple(average_precision((overlaps >= at) & (meteors > above), total) for above in METEORS) for at in IOUS
        )
    return DenseScores(
        mean_ap=None if table is None else float(np.mean(table)),
        table=table,
        detection_ap=float(np.mean(detection)),
        detection=detection,
        recall=dict(zip(COUNTS, map(_recall, np.concatenate([photo.found for photo in matched], axis=1)), strict=True)),
        regions=total,
        photos=len(matched),
    )


def merge_regions(boxes: Boxes, *, overlap: float = _MERGE_IOU) -> list[npt.NDArray[np.intp]]:
    """Group boxes greedily, largest group first.

    Args:
        boxes: ``(N, 4)``.
        overlap: least IoU of a box with the central box of its group.

    Returns:
        The ascending indices of each group; every box is in one group.
    """
    near = (iou(boxes[:, None], boxes) >= overlap) | np.eye(len(boxes), dtype=np.bool_)
    groups = []
    while near.any():
        group = np.flatnonzero(near[near.sum(axis=1).argmax()])
        groups.append(group)
        near[group] = False
        near[:, group] = False
    return groups


@dataclass(frozen=True)
class _Photo:
    """A photo with ``R`` merged regions and ``N`` detections, highest score first.

    Attributes:
        references: the phrases of each region.
        scores: scores of the detections, ``(N,)``.
        captions: their phrases.
        region: index of the region that each is assigned to, -1 for none, ``(N,)``.
        overlaps: its IoU with that region, ``(N,)``.
        taken: whether it took the region, ``(N,)``.
        found: each region's greatest IoU with one of the first ``COUNTS`` detections, ``(len(COUNTS), R)``.
    """

    references: list[list[str]]
    scores: Floats
    captions: list[str]
    region: npt.NDArray[np.intp]
    overlaps: Floats
    taken: Flags
    found: Floats

    @classmethod
    def of(cls, photo: Hashable, regions: Sequence[TrueRegion], detections: Sequence[Region]) -> _Photo:
        """Merge the regions and assign the detections to them."""
        drawn = _boxes(photo, "region", [region.box for region in regions])
        if any(not region.phrases for region in regions):
            raise DataError(f"photo {photo!r}: expected at least one phrase for each region of the ground truth")
        groups = merge_regions(drawn)
        merged = np.array([drawn[group].mean(axis=0) for group in groups]).reshape(-1, 4)
        references = [[phrase for index in group for phrase in regions[index].phrases] for group in groups]
        given = np.array([detection.score for detection in detections], np.float64)
        if not np.isfinite(given).all():
            raise DataError(f"photo {photo!r}: expected a finite score for each detection")
        order = np.argsort(-given, kind="stable")
        pairs = iou(merged[:, None], _boxes(photo, "detection", [detections[index].box for index in order]))
        count = len(order)
        overlaps = pairs.max(axis=0, initial=0.0)
        region = np.where(overlaps > 0, pairs.argmax(axis=0), -1) if groups else np.full(count, -1, np.intp)
        taken = np.zeros(count, np.bool_)
        taken[np.unique(region, return_index=True)[1]] = True
        return cls(
            references,
            given[order],
            [detections[index].text for index in order],
            region,
            overlaps,
            taken & (region >= 0),
            np.array([pairs[:, :count].max(axis=1, initial=0.0) for count in COUNTS]),
        )


def _boxes(photo: Hashable, kind: str, boxes: Sequence[Box]) -> Floats:
    found = np.array(boxes, np.float64).reshape(-1, 4)
    if not np.isfinite(found).all() or not (area(found) > 0).all():
        raise DataError(f"photo {photo!r}: expected finite numbers with x1 < x2 and y1 < y2 in the box of each {kind}")
    return found


def _meteors(photos: Sequence[_Photo], meteor: Meteor | None) -> Floats:
    """Return METEOR of the detections that can be correct, -1 for the others, photo by photo."""
    candidates, references, positions = [], [], []
    start = 0
    for photo in photos:
        for index in np.flatnonzero(photo.taken & (photo.overlaps >= min(IOUS))):
            candidates.append(tokenize(photo.captions[index]))
            references.append([tokenize(phrase) for phrase in photo.references[photo.region[index]]])
            positions.append(start + index)
        start += len(photo.captions)
    scores = np.full(start, -1.0)
    if candidates:
        scores[positions] = (meteor or Meteor()).score(references, candidates).per_photo
    return scores


def _recall(overlaps: Floats) -> Recall:
    shares = [float(np.mean(overlaps >= at)) for at in RECALL_IOUS]
    return Recall(shares[0], float(np.mean(shares)))
