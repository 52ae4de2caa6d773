"""What a grounder learns from: maps that lie in the boxes, boxes that are right, and knowing how right they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.tasks.grounding.models.grounder import GroundingOutput

SIDES, OVERLAP = 2.5, 2.0
"""Weights of a box's distance and of its overlap, in the proportion of DETR (Carion et al. 2020), 5 to 2, which sums
over the four sides as well, and halved for the first: heat needs its share."""


def grounding_loss(located: GroundingOutput, boxes: Tensor, cover: Tensor) -> Tensor:
    """Compare where phrases were located with where they are.

    The heat map is a distribution over cells; it shall be like the phrase's cover, in cross-entropy, and its whole mass
    shall lie there, −ln Σ_l p_l·cover_l. Boxes are compared by the distance of centres and sizes and by generalised
    intersection over union (Rezatofighi et al. 2019).

    Args:
        located: of ``B × N`` phrases.
        boxes: the true ones, ``(B, N, 4)`` xyxy in shares of the photo.
        cover: the share of each cell within them, ``(B, N, L)``, not all 0.
    """
    logs = located.heat.log_softmax(dim=2)
    wanted = cover / cover.sum(dim=2, keepdim=True).clamp(min=1e-6)
    spread = -(wanted * logs).sum(dim=2).mean()
    mass = -torch.logsumexp(logs + cover.clamp(min=1e-6).log(), dim=2).mean()
    overlap, generalised = intersection_over_union(located.boxes, boxes)
    sides = (centres_and_sizes(located.boxes) - centres_and_sizes(boxes)).abs().sum(dim=2).mean()
    knowing = F.l1_loss(located.overlaps, overlap.detach())
    return 0.5 * spread + mass + SIDES * sides + OVERLAP * (1 - generalised).mean() + knowing


def intersection_over_union(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return the intersection over union of boxes ``(…, 4)`` and the generalised one, each ``(…)``.

    The second takes off the share of the smallest box around both that neither covers, and so tells boxes apart that do
    not overlap.
    """
    shared = _area(torch.maximum(one[..., :2], other[..., :2]), torch.minimum(one[..., 2:], other[..., 2:]))
    around = _area(torch.minimum(one[..., :2], other[..., :2]), torch.maximum(one[..., 2:], other[..., 2:]))
    covered = _area(one[..., :2], one[..., 2:]) + _area(other[..., :2], other[..., 2:]) - shared
    overlap = shared / covered.clamp(min=1e-9)
    return overlap, overlap - (around - covered) / around.clamp(min=1e-9)


def centres_and_sizes(boxes: Tensor) -> Tensor:
    """Turn xyxy ``(…, 4)`` into the middle, width and height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp(min=0).prod(dim=-1)
