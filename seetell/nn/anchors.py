"""Anchors: boxes of fixed sizes around every cell of a map.

Ren et al., "Faster R-CNN", NIPS 2015, section 3.1. The cell in row ``i`` and column ``j`` of a map of stride ``s`` is
centred at the pixel ``(j·s, i·s)``, see :meth:`~seetell.nn.backbones.Encoder.feature_maps`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList


def anchor_boxes(sizes: Sequence[float], aspect_ratios: Sequence[float]) -> Tensor:
    """Return boxes ``(A, 4)`` around the origin.

    Args:
        sizes: square roots of their areas.
        aspect_ratios: height over width; every size comes in each, sizes of a ratio being neighbours.
    """
    return torch.tensor(
        [
            [-width / 2, -height / 2, width / 2, height / 2]
            for ratio in aspect_ratios
            for size in sizes
            for width, height in [(size / math.sqrt(ratio), size * math.sqrt(ratio))]
        ]
    )


class GridAnchors(nn.Module):
    """The anchors of one or several maps; called as torchvision's ``AnchorGenerator`` is.

    Args:
        strides: of the maps, in pixels.
        boxes: of each map, ``(A, 4)`` around the origin, from :func:`anchor_boxes`.
    """

    def __init__(self, strides: Sequence[int], boxes: Sequence[Tensor]) -> None:
        super().__init__()
        self.strides = tuple(strides)
        for number, each in enumerate(boxes):
            self.register_buffer(f"boxes_{number}", each, persistent=False)
        self.counts = [len(each) for each in boxes]

    def num_anchors_per_location(self) -> list[int]:
        """Return how many anchors each cell of each map has."""
        return self.counts

    def over(self, maps: Sequence[Tensor]) -> Tensor:
        """Return the anchors of maps ``(B, C, h, w)``, ``(Σ h·w·A, 4)`` ``xyxy`` in pixels, row by row of cells."""
        return torch.cat([self._over(number, activation) for number, activation in enumerate(maps)])

    def forward(self, images: ImageList, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the anchors of each image."""
        return [self.over(maps)] * len(images.image_sizes)

    def _over(self, number: int, activation: Tensor) -> Tensor:
        rows, columns = activation.shape[2:]
        boxes: Tensor = getattr(self, f"boxes_{number}")
        y = torch.arange(rows, device=boxes.device, dtype=boxes.dtype) * self.strides[number]
        x = torch.arange(columns, device=boxes.device, dtype=boxes.dtype) * self.strides[number]
        centres = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1).reshape(-1, 1, 2)  # (h·w, 1, 2)
        return (centres.repeat(1, 1, 2) + boxes).reshape(-1, 4)
