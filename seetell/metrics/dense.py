"""Dense captioning: are the regions that a model gives where people drew theirs, and do its phrases say the same?

The measure of Johnson, Karpathy and Fei-Fei (2016, "DenseCap", section 4.1), as their evaluation computes it:

1. Of each photo, true boxes that overlap by an intersection over union (IoU) of at least 0.7 are merged: again and
   again, the box with most others so near it takes all of these (the first of equal ones). The true region is their
   mean, and all their phrases are its references.
2. Each detection, the most certain of its photo first, is of the true region that it overlaps most (the first of equal
   ones) and takes it, so that a later detection of the same region is wrong, whatever the overlap of the first was.
   One that overlaps none is wrong and takes none.
3. A detection is right at a pair of thresholds if it took its region, their IoU is *at least* the one, and METEOR of
   its phrase against the references is *above* the other.
4. The detections of all photos, most certain first and of equal ones in the order given, make precisions and recalls.
   Average precision (AP) is the mean over the recalls 0, 0.01 … 1 of the greatest precision at that recall or above.
5. mAP is the mean AP over the IoUs 0.3, 0.4, 0.5, 0.6, 0.7 and the METEORs 0, 0.05, 0.1, 0.15, 0.2, 0.25.

Detection AP asks for no METEOR. Recall is the share of true regions that one of the first so many detections of their
photo overlaps enough; one detection may do that for several.

Two faults of the original are not repeated. A detection that overlaps nothing looks up region -1, which is the last
one, and so takes that away from the detection it belongs to. And its loop over recalls adds 0.01 at a time and misses
1 by rounding: what it prints is the mean over 100 recalls, so that its figures are up to 1% of themselves higher.
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
from seetell.metrics.meteor import Meteor

IOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
METEORS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
RECALL_IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
COUNTS = (50, 100, 300)
"""How many detections a photo are looked at for recall."""

_MERGED_FROM = 0.7
_PERCENT = np.arange(101)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class TrueRegion(Protocol):
    """What people drew and said, such as ``seetell.data.region_records.RegionRecord``."""

    @property
    def box(self) -> Box:
        """``xyxy`` in pixels."""

    @property
    def phrases(self) -> Sequence[str]:
        """At least one."""


class DetectedRegion(Protocol):
    """What a model found and said, such as ``seetell.results.Region``."""

    @property
    def box(self) -> Box:
        """``xyxy`` in the same pixels."""

    @property
    def text(self) -> str:
        """The phrase, possibly empty."""

    @property
    def score(self) -> float:
        """How certain it is; compared over all photos."""


@dataclass(frozen=True)
class Recall:
    """The share of true regions that are found.

    Attributes:
        at_half: with an IoU of at least 0.5.
        mean: the mean over IoUs of at least 0.5, 0.55 … 0.95.
    """

    at_half: float
    mean: float


@dataclass(frozen=True)
class DenseScores:
    """How well regions are found and described, from 0 to 1.

    Attributes:
        mean_ap: mAP, the mean of ``table``; ``None`` if the phrases were not scored.
        table: AP by IoU and METEOR, in the order of ``IOUS`` and ``METEORS``.
        detection_ap: the mean of ``detection``.
        detection: AP of the boxes alone, by IoU.
        recall: by the number of detections a photo.
        regions: how many true regions there are after merging.
        photos: how many photos.
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
    detections: Mapping[Any, Sequence[DetectedRegion]],
    *,
    meteor: Meteor | None = None,
    phrases: bool = True,
) -> DenseScores:
    """Score detected regions against true ones.

    Args:
        ground_truth: the regions of each photo, by its id; a photo may have none.
        detections: those of a model by the same ids, in any order; a photo that is not there has none.
        meteor: to score phrases with; made when absent. Of all phrases only those are scored that can be right.
        phrases: ``False`` scores the boxes alone and needs no METEOR.

    Raises:
        DataError: there is no true region, a detection is of a photo that is not in ``ground_truth``, a true region has
            no phrase, a box has no area or a number is not finite, or METEOR is not installed.
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
    detection = tuple(_average_precision(overlaps >= at, total) for at in IOUS)
    table = None
    if phrases:
        meteors = _meteors(matched, meteor)[order]
        table = tuple(
            tuple(_average_precision((overlaps >= at) & (meteors > above), total) for above in METEORS) for at in IOUS
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


def merge_regions(boxes: Boxes, *, overlap: float = _MERGED_FROM) -> list[npt.NDArray[np.intp]]:
    """Group boxes greedily, the largest group first.

    Args:
        boxes: ``(N, 4)``.
        overlap: the IoU with the box at the centre of a group from which a box belongs to it.

    Returns:
        The indices of each group, which rise; every box is in one.
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
    """A photo with ``R`` merged regions and ``N`` detections, the most certain first.

    Attributes:
        references: the phrases of each region.
        scores: of the detections, ``(N,)``.
        captions: theirs.
        region: the region that each is of, -1 if none, ``(N,)``.
        overlaps: its IoU with that, ``(N,)``.
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
    def of(cls, photo: Hashable, regions: Sequence[TrueRegion], detections: Sequence[DetectedRegion]) -> _Photo:
        """Merge the regions and give each detection its own."""
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
        raise DataError(f"photo {photo!r}: expected x1 < x2 and y1 < y2 in the box of each {kind}, finite numbers all")
    return found


def _meteors(photos: Sequence[_Photo], meteor: Meteor | None) -> Floats:
    """Return METEOR of the detections that can be right, -1 of the others, photo after photo."""
    candidates, references, places = [], [], []
    start = 0
    for photo in photos:
        for index in np.flatnonzero(photo.taken & (photo.overlaps >= min(IOUS))):
            candidates.append(tokenize(photo.captions[index]))
            references.append([tokenize(phrase) for phrase in photo.references[photo.region[index]]])
            places.append(start + index)
        start += len(photo.captions)
    scores = np.full(start, -1.0)
    if candidates:
        scores[places] = (meteor or Meteor()).score(references, candidates).per_photo
    return scores


def _average_precision(right: Flags, total: int) -> float:
    """Return AP of detections in their order.

    Args:
        right: which are right, ``(N,)``.
        total: how many could be.
    """
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    greatest = np.maximum.accumulate(precision[::-1])[::-1]
    needed = -(-_PERCENT * total // 100)  # the fewest that make the recall, in whole numbers, which do not round
    return float(np.append(greatest, 0.0)[np.searchsorted(found, needed)].mean())


def _recall(overlaps: Floats) -> Recall:
    shares = [float(np.mean(overlaps >= at)) for at in RECALL_IOUS]
    return Recall(shares[0], float(np.mean(shares)))
