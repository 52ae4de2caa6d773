"""Which proposals a training step looks at, and what each should have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.ops import box_iou


class Samples(NamedTuple):
    """Proposals to learn from, of all photos of a batch one after the other.

    Attributes:
        boxes: of each photo, ``(N_b, 4)`` ``xyxy`` pixels.
        positive: whether a region is meant, ``(ΣN,)`` bool.
        regions: which of the batch's regions, ``(ΣN,)``, counted over all photos; 0 where none is.
    """

    boxes: list[Tensor]
    positive: Tensor
    regions: Tensor


def sample(
    proposals: Sequence[Tensor],
    regions: Sequence[Tensor],
    *,
    samples: int,
    positive_share: float,
    positive_iou: float,
) -> Samples:
    """Choose proposals at random, positive and negative, and tell each the region that it overlaps most.

    The regions themselves are proposals too, so that there is something to say from the first step on.

    Args:
        proposals: of each photo, ``(P, 4)``.
        regions: the true boxes of each photo, ``(G, 4)``, at least one.
        samples: how many a photo.
        positive_share: at most so many of them positive.
        positive_iou: overlap that makes a proposal positive.
    """
    sampler = BalancedPositiveNegativeSampler(samples, positive_share)
    boxes, positive, matched, before = [], [], [], 0
    for proposed, true in zip(proposals, regions, strict=True):
        candidates = torch.cat([true, proposed])
        overlap, nearest = box_iou(true, candidates).max(dim=0)
        is_positive = overlap >= positive_iou
        chosen_positive, chosen_negative = sampler([is_positive.long()])
        kept = torch.nonzero(chosen_positive[0] | chosen_negative[0])[:, 0]
        boxes.append(candidates[kept])
        positive.append(is_positive[kept])
        matched.append((nearest[kept] + before) * is_positive[kept])
        before += len(true)
    return Samples(boxes, torch.cat(positive), torch.cat(matched))
