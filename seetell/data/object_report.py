"""A report on a data set of boxes before training: counts, classes, sizes, and problems by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seetell.data.check import PhotoCheck
from seetell.data.records import SPLITS, ObjectDataset
from seetell.data.report import DataReport, described, in_line, opened_photos, quantiles


@dataclass(frozen=True)
class ObjectReport(DataReport):
    """The statistics of a data set of boxes.

    Attributes:
        boxes_per_photo: quantiles of the numbers of a photo's boxes.
        box_sizes: quantiles of the boxes' sizes, the root of the box's share of its photo, in percent.
        classes: number of boxes in the training photos by class, the commonest first.
    """

    boxes_per_photo: Mapping[str, float]
    box_sizes: Mapping[str, float]
    classes: Mapping[str, int]

    def statistics(self) -> dict[str, Any]:
        """Return the counts of boxes and classes, ready for JSON."""
        return {
            "boxes_per_photo": dict(self.boxes_per_photo),
            "box_sizes": dict(self.box_sizes),
            "classes": dict(self.classes),
        }

    def statistics_lines(self) -> list[str]:
        """Return the same as text."""
        counts = ", ".join(f"{name} {count:,}" for name, count in self.classes.items())
        return [
            f"boxes per photo      {in_line(self.boxes_per_photo)}",
            f"box size, % of photo {in_line(self.box_sizes)}",
            f"training boxes       {counts or 'none'}",
        ]


def build_object_report(dataset: ObjectDataset, checked: PhotoCheck | None = None) -> ObjectReport:
    """Compute the statistics of a data set of boxes.

    Args:
        dataset: the data set.
        checked: result of opening its photos, to include their sizes and problems.
    """
    by_split = {split: opened_photos(dataset.split(split), checked) for split in SPLITS}
    photos = opened_photos(dataset.photos, checked)
    boxes = [box for photo in photos for box in photo.boxes]
    counts = Counter(name for photo in by_split["train"] for name in photo.classes)
    ranked = sorted(dataset.classes, key=lambda name: -counts[name])
    return ObjectReport(
        **described(dataset, checked),
        splits={
            split: {"photos": len(members), "boxes": sum(len(photo.boxes) for photo in members)}
            for split, members in by_split.items()
        },
        boxes_per_photo=quantiles([len(photo.boxes) for photo in photos]),
        box_sizes=quantiles([round(100 * ((x1 - x0) * (y1 - y0)) ** 0.5) for x0, y0, x1, y1 in boxes]),
        classes={name: counts[name] for name in ranked},
    )
