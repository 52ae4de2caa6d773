"""The loss of a grounder: its heat map's mass within the box, box regression, and the predicted overlap."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.tasks.grounding.models.grounder import GroundingOutput

SIDES, OVERLAP = 2.5, 2.0
"""Weights of the L1 distance and of the overlap, from DETR's 5 and 2 (Carion et al. 2020), which sums over the four
sides as well; the first is halved, to leave the heat map's loss its share."""


def grounding_loss(located: GroundingOutput, boxes: Tensor, cover: Tensor) -> Tensor:
    """Compare predicted locations of phrases with the ground truth.

    The heat map is a distribution over cells. Its loss is the cross-entropy with the cells' coverage by the box, plus
    the negative logarithm of its mass within the box, −ln Σ_l p_l·cover_l. Boxes are compared by the L1 distance of
    centres and sizes and by generalised intersection over union (Rezatofighi et al. 2019).

    Args:
        located: of ``B × N`` phrases.
        boxes: the true ones, ``(B, N, 4)`` xyxy normalised to [0, 1].
        cover: the share of each cell within them, ``(B, N, L)``, not all 0.
    """
    logprobs = located.heat.log_softmax(dim=2)
    distribution = cover / cover.sum(dim=2, keepdim=True).clamp(min=1e-6)
    spread_loss = -(distribution * logprobs).sum(dim=2).mean()
    mass_loss = -torch.logsumexp(logprobs + cover.clamp(min=1e-6).log(), dim=2).mean()
    overlap, generalised = intersection_over_union(located.boxes, boxes)
    sides_loss = (centres_and_sizes(located.boxes) - centres_and_sizes(boxes)).abs().sum(dim=2).mean()
    overlap_loss = F.l1_loss(located.overlaps, overlap.detach())
    return 0.5 * spread_loss + mass_loss + SIDES * sides_loss + OVERLAP * (1 - generalised).mean() + overlap_loss


def intersection_over_union(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return the intersection over union of boxes ``(…, 4)``, and the generalised one, each ``(…)``.

    The second subtracts the share of the smallest box around both that neither covers, and so has a gradient for boxes
    that do not overlap.
    """
    shared = _area(torch.maximum(one[..., :2], other[..., :2]), torch.minimum(one[..., 2:], other[..., 2:]))
    around = _area(torch.minimum(one[..., :2], other[..., :2]), torch.maximum(one[..., 2:], other[..., 2:]))
    covered = _area(one[..., :2], one[..., 2:]) + _area(other[..., :2], other[..., 2:]) - shared
    overlap = shared / covered.clamp(min=1e-9)
    return overlap, overlap - (around - covered) / around.clamp(min=1e-9)


def centres_and_sizes(boxes: Tensor) -> Tensor:
    """Convert xyxy ``(…, 4)`` to centre, width and height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp(min=0).prod(dim=-1)
