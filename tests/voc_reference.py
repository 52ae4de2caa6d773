"""Pascal VOC's average precision, written down a second time to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seetell.metrics.detection import Detection

Boxes = Mapping[Any, Sequence[Detection]]


def voc_scores(truth: Boxes, found: Boxes) -> tuple[float, float]:
    """Return the mean average precisions of VOC 2007 and of VOC 2010, one detection at a time and without numpy."""
    means: list[tuple[float, float]] = []
    for label in sorted({each.label for boxes in truth.values() for each in boxes}):
        total = sum(each.label == label for boxes in truth.values() for each in boxes)
        ranked = [(photo, each) for photo in truth for each in found.get(photo, ()) if each.label == label]
        ranked.sort(key=lambda pair: -pair[1].score)
        taken: set[tuple[Any, int]] = set()
        points: list[tuple[float, float]] = []  # recall and precision after each detection
        for rank, (photo, each) in enumerate(ranked, 1):
            places = [place for place, true in enumerate(truth[photo]) if true.label == label]
            nearest = max(places, key=lambda place: _overlap(each.box, truth[photo][place].box), default=None)
            if nearest is not None and _overlap(each.box, truth[photo][nearest].box) >= 0.5:
                taken.add((photo, nearest))
            points.append((len(taken) / total, len(taken) / rank))
        eleven = [max((p for r, p in points if r >= step / 10), default=0.0) for step in range(11)]
        area, before = 0.0, 0.0
        for recall in sorted({r for r, _ in points}):
            area += (recall - before) * max(p for r, p in points if r >= recall)
            before = recall
        means.append((sum(eleven) / 11, area))
    return sum(old for old, _ in means) / len(means), sum(new for _, new in means) / len(means)


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (areas[0] + areas[1] - shared)
