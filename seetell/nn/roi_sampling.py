"""Sampling of proposals for training, and the ground-truth region of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.ops import box_iou


class SampledRoIs(NamedTuple):
    """Proposals to learn from, of all images of a batch one after the other.

    Attributes:
        boxes: of each image, ``(N_b, 4)`` ``xyxy`` pixels.
        positive: whether a region is matched, ``(ΣN,)`` bool.
        regions: index of the matched region, ``(ΣN,)``, counted over all images; 0 where none is.
    """

    boxes: list[Tensor]
    positive: Tensor
    regions: Tensor


def sample_rois(
    proposals: Sequence[Tensor],
    regions: Sequence[Tensor],
    *,
    batch_size_per_image: int,
    positive_fraction: float,
    positive_iou: float,
) -> SampledRoIs:
    """Draw positive and negative proposals at random, and match each with the region that it overlaps most.

    The regions themselves are proposals too, so that there are positive ones from the first step on.

    Args:
        proposals: of each image, ``(P, 4)``.
        regions: the ground-truth boxes of each image, ``(G, 4)``, at least one.
        batch_size_per_image: how many are drawn per image.
        positive_fraction: largest share of them that may be positive.
        positive_iou: overlap that makes a proposal positive.
    """
    sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
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
    return SampledRoIs(boxes, torch.cat(positive), torch.cat(matched))
