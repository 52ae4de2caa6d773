"""Mask R-CNN: instance segmentation by a mask of each class for each box.

He et al., "Mask R-CNN", ICCV 2017, section 3: from 14 × 14 cells that RoIAlign pools, four convolutions and a
transposed one make 28 × 28, and a 1 × 1 convolution scores each class in each cell by itself; the loss is the binary
cross-entropy of the mask of the true class, so that classes do not compete. In print the convolutions have 256 channels
and the encoder is ResNet with a feature pyramid; for the rest see :mod:`.fpn`. The true mask of a proposal is the
object's averaged over each cell, and inside from one half on, as in Detectron2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import roi_align

from seetell.config import check_sizes
from seetell.nn.box_head import Loss
from seetell.tasks.detection.models.branches import BRANCH_CELLS, BranchedRCNN
from seetell.tasks.detection.models.detector import DetectorSpec, convolution, no_loss
from seetell.tasks.detection.models.fpn import PyramidConfig

CELLS = 2 * BRANCH_CELLS
"""Rows and columns of a mask."""


@dataclass(frozen=True)
class MaskConfig(PyramidConfig):
    """Sizes of a Mask R-CNN, beside those of :class:`~.fpn.PyramidConfig`.

    Attributes:
        mask_width: channels of the mask branch.
        mask_convolutions: of 3 × 3 cells, before the resolution is doubled.
    """

    mask_width: int = 96
    mask_convolutions: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "mask_width", "mask_convolutions")


class MaskRCNN(BranchedRCNN):
    """Boxes, classes and masks.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    finds: ClassVar[Literal["", "masks", "key_points"]] = "masks"

    def __init__(self, config: MaskConfig, spec: DetectorSpec) -> None:
        super().__init__(config, spec)
        widths = [config.width, *[config.mask_width] * config.mask_convolutions]
        convolutions = [convolution(inputs, outputs) for inputs, outputs in pairwise(widths)]
        up = nn.ConvTranspose2d(config.mask_width, config.mask_width, 2, stride=2)
        score = nn.Conv2d(config.mask_width, spec.classes, 1)
        for layer in (up, score):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        self.masks = nn.Sequential(*convolutions, up, nn.ReLU(), score)

    def logits(self, trunk: Sequence[Tensor], rois: Tensor, labels: Tensor) -> Tensor:
        """Return the logits of the masks of one class for each box, ``(N, 28, 28)``."""
        of_classes: Tensor = self.masks(self.branch_pool(trunk, rois))
        numbers = labels[:, None, None, None].expand(-1, 1, CELLS, CELLS)
        return of_classes.gather(1, numbers)[:, 0]

    def branch_loss(self, trunk: Sequence[Tensor], rois: Tensor, details: list[Tensor], labels: Tensor) -> Loss:
        """Return the mean binary cross-entropy of cells; see :meth:`BranchedRCNN.branch_loss`.

        ``details`` are masks ``(h, w)`` over the whole image.
        """
        if not len(rois):
            return no_loss(trunk[0]), 0
        wanted = mask_targets(torch.stack(details), rois[:, 1:], self.image_size)
        return F.binary_cross_entropy_with_logits(self.logits(trunk, rois, labels), wanted), len(rois)

    def look(self, trunk: Sequence[Tensor], rois: Tensor, labels: Tensor) -> Tensor:
        """Return the probabilities of the masks, ``(N, 28, 28)``; see :meth:`BranchedRCNN.look`."""
        return self.logits(trunk, rois, labels).sigmoid()


def mask_targets(masks: Tensor, boxes: Tensor, image_size: tuple[int, int], *, cells: int = CELLS) -> Tensor:
    """Return what the masks of boxes should be, ``(N, cells, cells)`` of 0 and 1.

    Args:
        masks: of each box's object over the whole image, ``(N, h, w)``.
        boxes: ``(N, 4)`` in pixels of the input.
        image_size: its height and width.
        cells: rows and columns.
    """
    height, width = image_size
    scale = boxes.new_tensor([masks.shape[2] / width, masks.shape[1] / height] * 2)
    rois = torch.cat([torch.arange(len(boxes), device=boxes.device)[:, None].to(boxes.dtype), boxes * scale], dim=1)
    shares: Tensor = roi_align(masks[:, None].to(boxes.dtype), rois, cells, 1.0, sampling_ratio=0, aligned=True)
    return (shares[:, 0] >= 0.5).to(boxes.dtype)
