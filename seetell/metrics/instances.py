"""Instance segmentation: COCO's average precision of masks, to the digit what pycocotools computes.

See :mod:`seetell.metrics.detection`; IoU is that of pixels, and crowds are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from seetell.geometry.masks import decode, mask_iou
from seetell.metrics.detection import DetectionScores, average_precisions


@dataclass(frozen=True)
class Instance:
    """The pixels of an object, a true one or one that was found.

    Attributes:
        label: the class.
        counts: COCO's compressed run lengths.
        size: width and height of the image.
        score: of one that was found.
    """

    label: str
    counts: str
    size: tuple[int, int]
    score: float = 1.0
    ignored: ClassVar[bool] = False


def mask_average_precision(
    truth: Mapping[Any, Sequence[Instance]], found: Mapping[Any, Sequence[Instance]]
) -> DetectionScores:
    """Score instances; for arguments and errors see :func:`~seetell.metrics.detection.detection_average_precision`."""
    return average_precisions(truth, found, _overlaps)


def _overlaps(found: Sequence[Instance], true: Sequence[Instance]) -> npt.NDArray[np.floating]:
    if not found or not true:
        return np.zeros((len(found), len(true)))
    first, second = (np.stack([decode(each.counts, each.size) for each in instances]) for instances in (found, true))
    return mask_iou(first, second)
