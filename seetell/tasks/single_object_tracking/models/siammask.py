"""SiamMask: SiamRPN++'s correlation, and a mask of the object read from one place of it.

Wang, Zhang, Bertinetto, Hu & Torr, "Fast Online Object Tracking and Segmentation: A Unifying Approach", CVPR 2019: the
depth-wise correlation at a place, a vector of ``C`` values, becomes by two layers a mask of 63 × 63 pixels of the
exemplar's part of the window that stands there (section 3.2, figure 2), trained by a logistic loss at the places of the
object's anchors (equation 3) with a weight of 32. The refinement by finer maps is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_iou, roi_align

from seetell.nn.box_head import Loss
from seetell.tasks.single_object_tracking.models.siamese import TrackingTargets
from seetell.tasks.single_object_tracking.models.siamrpn import OBJECT_IOU
from seetell.tasks.single_object_tracking.models.siamrpn_plus_plus import (
    DepthwiseBlock,
    SiamRPNPlusPlus,
    SiamRPNPlusPlusConfig,
)

MASK_SIDE = 63
MASK_WEIGHT = 32.0
MOST_PLACES = 64
"""Of a batch, whose masks enter the loss."""


@dataclass(frozen=True)
class SiamMaskConfig(SiamRPNPlusPlusConfig):
    """SiamMask; see :class:`SiamRPNPlusPlusConfig`.

    Attributes:
        mask_channels: of the layer before the mask.
    """

    mask_channels: int = 64


class SiamMask(SiamRPNPlusPlus):
    """The network of the paper; see :class:`SiamRPNPlusPlus`."""

    learns_from = "outlines"

    def __init__(self, config: SiamMaskConfig, maps: Mapping[int, int], size: int) -> None:
        super().__init__(config, maps, size)
        inputs = self.embedding.channels
        self.mask_block = DepthwiseBlock(inputs, 1)
        self.mask_block.head = nn.Sequential(
            nn.Conv2d(inputs, config.mask_channels, 1), nn.ReLU(), nn.Conv2d(config.mask_channels, MASK_SIDE**2, 1)
        )

    def template(self, exemplar: Tensor) -> tuple[Tensor, ...]:
        """Return the kernels of scores and boxes, then that of masks."""
        return (*super().template(exemplar), self.mask_block.kernel(exemplar))

    def search(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return scores, boxes, and what masks are read from at each place, ``(B, h · w, C)``."""
        scores, boxes = super().search(window, template[:-1])
        return scores, boxes, self.mask_block.correlate(window, template[-1]).flatten(2).transpose(1, 2)

    def masks(self, vectors: Tensor) -> Tensor:
        """Return logits ``(P, 63, 63)`` of what :meth:`search` gave for places, ``(P, C)``."""
        drawn: Tensor = self.mask_block.head(vectors[:, :, None, None])
        return drawn.reshape(-1, MASK_SIDE, MASK_SIDE)

    def losses(self, exemplar: Tensor, window: Tensor, targets: TrackingTargets) -> dict[str, Loss]:
        """Return the losses of scores, boxes and masks."""
        losses = super().losses(exemplar, window, targets)
        assert targets.masks is not None
        overlaps = torch.stack([box_iou(self.anchors, box[None])[:, 0] for box in targets.boxes])
        positive = (overlaps >= OBJECT_IOU) & targets.present[:, None]
        pairs, places = positive.reshape(len(window), -1, self.shapes).any(dim=2).nonzero(as_tuple=True)
        spread = slice(None, None, -(-len(pairs) // MOST_PLACES) or 1)
        pairs, places = pairs[spread], places[spread]
        if not len(pairs):
            return losses | {"mask": (window.sum() * 0, len(window))}
        kernel = self.mask_block.kernel(exemplar)
        vectors = self.mask_block.correlate(window, kernel).flatten(2).transpose(1, 2)[pairs, places]
        wanted = targets_of(targets.masks, pairs, self.mask_windows(places))
        loss = F.binary_cross_entropy_with_logits(self.masks(vectors), wanted)
        return losses | {"mask": (MASK_WEIGHT * loss, len(window))}

    def mask_windows(self, places: Tensor) -> Tensor:
        """Return the part of the window that the mask of each place ``(P,)`` is of, ``(P, 4)`` in pixels."""
        return mask_windows(places, self.size, self.strides[0], self.exemplar_cells)


def mask_windows(places: Tensor, size: int, stride: int, exemplar_cells: int) -> Tensor:
    """Return the exemplar's part of the window, half of it, around each place of the response, ``(P, 4)`` in pixels."""
    across = (size - 1) // stride + 2 - exemplar_cells
    shift = (exemplar_cells - 1) / 2 * stride + 0.5
    centres = torch.stack([places % across, places // across], dim=1) * stride + shift
    half = size / 4
    return torch.cat([centres - half, centres + half], dim=1)


def targets_of(masks: Tensor, pairs: Tensor, windows: Tensor) -> Tensor:
    """Return the masks ``(P, 63, 63)`` of 0 and 1 that windows ``(P, 4)`` of the pairs ``(P,)`` show."""
    rois = torch.cat([pairs[:, None].to(windows), windows], dim=1)
    shown = roi_align(masks[:, None].float(), rois, MASK_SIDE, aligned=True)
    inside: Tensor = shown[:, 0] >= 0.5
    return inside.float()
