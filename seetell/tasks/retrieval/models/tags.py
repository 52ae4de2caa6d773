"""What classifiers and an object detector say of an image, as aligners and grounders read it.

Letters: ``B`` images, ``C`` classes of ImageNet, ``O`` classes of objects, ``W`` words, ``K`` detections, ``L``
cells of the grid.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.runtime.tags import DETECTION_COLUMNS

SEEN_SCORE = 0.25
"""Boxes and counts of classes below this score are ignored."""

CLIPPED = 0.02
"""Scores are clipped to this distance from 0 and 1, beyond which their logits say little."""

SCORE_SCALE = 4.0
"""Brings the score of a detection to the scale of whitened features."""


class ObjectTags(NamedTuple):
    """Tags of a batch of images; see :class:`seetell.runtime.tags.ImageTags`.

    Attributes:
        imagenet: ``(B, C)`` logits.
        objects: ``(B, O)``, the highest score of each class.
        object_boxes: ``(B, O, 5)``, its box, xyxy normalised to [0, 1], and how many of the class there are.
        words: ``(B, W)``, probabilities of caption words.
        detections: ``(B, K, 6)``: class, score and box of each, the highest score first; zeros behind the last.
    """

    imagenet: Tensor
    objects: Tensor
    object_boxes: Tensor
    words: Tensor
    detections: Tensor


def tag_vector(tags: ObjectTags) -> Tensor:
    """Return one vector per image, ``(B, C + 3·O)``: logits of all classes, and size and number of the objects seen."""
    scores = tags.objects.clamp(CLIPPED, 1 - CLIPPED)
    sides = tags.object_boxes[..., 2:4] - tags.object_boxes[..., :2]
    seen = (tags.objects > SEEN_SCORE).to(scores.dtype)
    sizes = seen * (sides[..., 0] * sides[..., 1]).clamp(min=0).sqrt()
    counts = seen * tags.object_boxes[..., 4]
    return torch.cat([tags.imagenet, torch.log(scores / (1 - scores)), sizes, counts], dim=1)


def detection_vectors(detections: Tensor, objects: int) -> Tensor:
    """Return a vector per detection, ``(B, K, O + 5)``: its class times its score, its box, and whether it is one.

    Args:
        detections: ``(B, K, 6)``; see :class:`ObjectTags`.
        objects: ``O``.
    """
    label, score, boxes = torch.split(detections, [1, 1, DETECTION_COLUMNS - 2], dim=2)
    classes = F.one_hot(label[..., 0].long(), objects).to(score.dtype)
    return torch.cat([classes * score * SCORE_SCALE, boxes - 0.5, is_detection(detections)], dim=2)


def is_detection(detections: Tensor) -> Tensor:
    """Return 1 for each detection and 0 for the rows behind the last, ``(B, K, 1)``."""
    return (detections[..., 1:2] > 0).to(detections.dtype)


def cell_overlaps(boxes: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return how much of each cell of a grid boxes cover.

    Args:
        boxes: ``(…, 4)`` xyxy normalised to [0, 1].
        grid: rows and columns.

    Returns:
        ``(…, L)`` from 0 to 1.
    """
    down, across = (
        _covered_parts(boxes[..., axis], boxes[..., axis + 2], parts) for axis, parts in ((1, grid[0]), (0, grid[1]))
    )
    return (down[..., :, None] * across[..., None, :]).flatten(-2)


def pool_boxes(grid: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the mean of the features within boxes, ``(B, K, D)``; zeros for a box without an area.

    Args:
        grid: features of the cells, ``(B, L, D)``.
        boxes: ``(B, K, 4)`` xyxy normalised to [0, 1].
        size: rows and columns of the grid.
    """
    overlaps = cell_overlaps(boxes, size)
    return overlaps / overlaps.sum(dim=2, keepdim=True).clamp(min=1e-6) @ grid


def _covered_parts(begin: Tensor, end: Tensor, parts: int) -> Tensor:
    """Return the share of each of the equal parts of 0 to 1 that intervals ``(…)`` cover, ``(…, parts)``."""
    edges = torch.arange(parts + 1, dtype=begin.dtype, device=begin.device) / parts
    shared = torch.minimum(end[..., None], edges[1:]) - torch.maximum(begin[..., None], edges[:-1])
    return shared.clamp(min=0) * parts
