"""What pycocotools computes, as a reference."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seetell.metrics.detection import Detection


def coco_scores(
    kind: str,
    photos: Sequence[Any],
    true: Sequence[Mapping[str, Any]],
    found: Sequence[Mapping[str, Any]],
    *,
    classes: int,
    size: tuple[int, int] | Mapping[Any, tuple[int, int]] = (0, 0),
    sigmas: np.ndarray | None = None,
) -> tuple[float, float]:
    """Return AP and AP50.

    Args:
        kind: ``bbox``, ``segm`` or ``keypoints``.
        photos: their ids.
        true: annotations of COCO, without ids.
        found: its results.
        classes: numbered from 0.
        size: width and height of all photos, or of each by its id.
        sigmas: of key points.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    sizes = size if isinstance(size, Mapping) else dict.fromkeys(photos, size)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": photo, "width": sizes[photo][0], "height": sizes[photo][1]} for photo in photos],
            "categories": [{"id": number} for number in range(classes)],
            "annotations": [{"iscrowd": 0, **each, "id": number} for number, each in enumerate(true, 1)],
        }
        coco.createIndex()
        measured = COCOeval(coco, coco.loadRes([dict(each) for each in found]), kind)
        if sigmas is not None:
            measured.params.kpt_oks_sigmas = sigmas
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    return measured.stats[0], measured.stats[1]


def box_rows(boxes_of: Mapping[Any, Sequence[Detection]], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the boxes of photos, by their ids, as annotations or results."""
    return [
        {
            "image_id": photo,
            "category_id": labels.index(each.label),
            "bbox": [each.box[0], each.box[1], each.box[2] - each.box[0], each.box[3] - each.box[1]],
            "area": (each.box[2] - each.box[0]) * (each.box[3] - each.box[1]),
            "score": each.score,
        }
        for photo, boxes in boxes_of.items()
        for each in boxes
    ]
