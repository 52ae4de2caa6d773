"""Box regression: how far a box is moved and how much it is stretched.

Girshick et al., "R-CNN", CVPR 2014, appendix C: from a box ``(x, y, w, h)``, given by centre and sides, to another,
``t = ((x′ − x) / w, (y′ − y) / h, log(w′ / w), log(h′ / h))``. Each is multiplied by a scale, which gives it about the
variance of the other losses (Fast R-CNN).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

UNSCALED = (1.0, 1.0, 1.0, 1.0)
"""Of region proposals (Faster R-CNN)."""

ROI_SCALES = (10.0, 10.0, 5.0, 5.0)
"""Of boxes that a region head moves (Fast R-CNN's deviations of 0.1 and 0.2)."""

MOST_STRETCH = math.log(1000 / 16)
"""No side grows by more than this, in logarithms, whatever an untrained network says; torchvision's bound."""


def encode_boxes(boxes: Tensor, targets: Tensor, *, scales: Sequence[float] = UNSCALED) -> Tensor:
    """Return the deltas ``(…, 4)`` that move boxes ``(…, 4)`` onto targets ``(…, 4)``, all ``xyxy`` with an area."""
    sides, wanted = boxes[..., 2:] - boxes[..., :2], targets[..., 2:] - targets[..., :2]
    moves = (targets[..., :2] + wanted / 2 - boxes[..., :2] - sides / 2) / sides
    return torch.cat([moves, torch.log(wanted / sides)], dim=-1) * boxes.new_tensor(scales)


def decode_boxes(
    boxes: Tensor, deltas: Tensor, *, image_size: tuple[int, int], scales: Sequence[float] = UNSCALED
) -> Tensor:
    """Move boxes and clip them to the image.

    Args:
        boxes: ``(…, 4)`` ``xyxy``.
        deltas: ``(…, 4)``, with leading axes that broadcast with those of ``boxes``.
        image_size: height and width in pixels.
        scales: as they were encoded with.
    """
    sides = boxes[..., 2:] - boxes[..., :2]
    unscaled = deltas / deltas.new_tensor(scales)
    centres = boxes[..., :2] + sides / 2 + unscaled[..., :2] * sides
    halves = sides / 2 * torch.exp(unscaled[..., 2:].clamp(max=MOST_STRETCH))
    edges = torch.cat([centres - halves, centres + halves], dim=-1)
    height, width = image_size
    return torch.minimum(edges.clamp(min=0), edges.new_tensor([width, height, width, height]))
