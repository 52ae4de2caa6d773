"""Pooling of boxes from maps, in forms that train and can be exported to ONNX.

A batch's boxes are ``RoIs``, ``(N, 5)``: the number of the image, then ``xyxy`` in pixels of the encoder's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import ps_roi_pool, roi_align, roi_pool

SAMPLES = 2
"""Points across and down that RoIAlign averages in each cell."""


def as_rois(boxes: Sequence[Tensor]) -> Tensor:
    """Return the boxes of each image, ``(N_b, 4)``, as RoIs ``(ΣN, 5)``."""
    numbers = torch.cat([each.new_full((len(each), 1), number) for number, each in enumerate(boxes)])
    return torch.cat([numbers, torch.cat(list(boxes))], dim=1)


class _MapPooling(nn.Module):
    """Pooling from one map.

    Args:
        cells: rows and columns per box.
        stride: of the map.
    """

    def __init__(self, cells: int, stride: int) -> None:
        super().__init__()
        self.cells, self.stride = cells, stride


class RoIAlign(_MapPooling):
    """Bilinear samples of one map (He et al., "Mask R-CNN", ICCV 2017, section 3)."""

    def forward(self, activation: Tensor, rois: Tensor) -> Tensor:
        """Pool ``(N, C, cells, cells)`` from ``(B, C, h, w)``."""
        pooled: Tensor = roi_align(activation, rois, self.cells, 1 / self.stride, sampling_ratio=SAMPLES)
        return pooled


class RoIPool(_MapPooling):
    """The greatest value of each cell, whose edges are rounded (Girshick, "Fast R-CNN", ICCV 2015, section 2.1)."""

    def forward(self, activation: Tensor, rois: Tensor) -> Tensor:
        """Pool ``(N, C, cells, cells)`` from ``(B, C, h, w)``."""
        if torch.compiler.is_exporting():  # onnxscript's translation takes other arguments than torchvision's operator
            shape = (rois.shape[0], activation.shape[1], self.cells, self.cells)
            attributes: dict[str, Any] = {"pooled_shape": [self.cells, self.cells], "spatial_scale": 1.0 / self.stride}
            symbol: Tensor = torch.onnx.ops.symbolic(
                "MaxRoiPool", (activation, rois), attributes, dtype=activation.dtype, shape=shape, version=1
            )
            return symbol
        pooled: Tensor = roi_pool(activation, rois, (self.cells, self.cells), 1 / self.stride)
        return pooled


class PyramidRoIAlign(nn.Module):
    """RoIAlign on the map whose cells fit the box's size (Lin et al., "Feature Pyramid Networks", CVPR 2017, eq. 1).

    A box of side ``canonical_size · 2^k`` and up to twice as large is pooled from the map ``k + 1`` levels above the
    finest, smaller ones from the finest.

    Args:
        cells: rows and columns per box.
        strides: of the maps, finest first, each twice the one before.
        canonical_size: side in pixels from which on the second map is read.
    """

    def __init__(self, cells: int, strides: Sequence[int], *, canonical_size: float) -> None:
        super().__init__()
        self.cells, self.strides, self.canonical_size = cells, tuple(strides), canonical_size

    def level(self, rois: Tensor) -> Tensor:
        """Return the number of each box's map, ``(N,)``."""
        sides = ((rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2])).clamp(min=1e-6).sqrt()
        return (1 + torch.log2(sides / self.canonical_size) + 1e-6).floor().clamp(0, len(self.strides) - 1)

    def forward(self, maps: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Pool ``(N, C, cells, cells)`` from ``(B, C, h, w)`` per stride."""
        level = self.level(rois)
        if torch.compiler.is_exporting():  # the number of boxes of a level is not known: pool each from all
            pooled = self._aligned(maps, 0, rois)
            for number in range(1, len(maps)):
                pooled = torch.where((level == number)[:, None, None, None], self._aligned(maps, number, rois), pooled)
            return pooled
        parts = [torch.nonzero(level == number)[:, 0] for number in range(len(maps))]
        found = torch.cat([self._aligned(maps, number, rois[part]) for number, part in enumerate(parts)])
        return found[torch.argsort(torch.cat(parts))]

    def _aligned(self, maps: Sequence[Tensor], number: int, rois: Tensor) -> Tensor:
        pooled: Tensor = roi_align(maps[number], rois, self.cells, 1 / self.strides[number], sampling_ratio=SAMPLES)
        return pooled


class PositionSensitiveRoIPool(_MapPooling):
    """The mean of each cell in maps of its own (Dai et al., "R-FCN", NIPS 2016, equation 1).

    Channel ``c·k² + i·k + j`` scores class ``c`` at row ``i`` and column ``j`` of ``k × k`` cells.
    """

    def forward(self, activation: Tensor, rois: Tensor) -> Tensor:
        """Pool ``(N, C, k, k)`` from ``(B, C·k², h, w)``."""
        if torch.compiler.is_exporting():
            return position_sensitive_means(activation, rois, cells=self.cells, stride=self.stride)
        pooled: Tensor = ps_roi_pool(activation, rois, self.cells, 1 / self.stride)
        return pooled


def position_sensitive_means(activation: Tensor, rois: Tensor, *, cells: int, stride: int) -> Tensor:
    """Compute what torchvision's ``ps_roi_pool`` does from integral images, which ONNX can express.

    The sum of a map over a rectangle is ``I(y₁, x₁) − I(y₀, x₁) − I(y₁, x₀) + I(y₀, x₀)``, with ``I`` the sums of all
    values above and to the left. For the arguments see :class:`PositionSensitiveRoIPool`.
    """
    count, channels, rows, columns = activation.shape
    k = cells
    integral = torch.nn.functional.pad(activation, (1, 0, 1, 0)).cumsum(2).cumsum(3)  # (B, C·k², h + 1, w + 1)
    first = torch.floor(rois[:, 1:3] / stride + 0.5)[:, :, None]  # (N, 2, 1)
    sides = (torch.floor(rois[:, 3:5] / stride + 0.5)[:, :, None] - first).clamp(min=1)
    steps = torch.arange(k + 1, device=rois.device, dtype=rois.dtype)
    begin, end = first + torch.floor(sides / k * steps[:-1]), first + torch.ceil(sides / k * steps[1:])  # (N, 2, k)
    x0, x1 = (
        each[:, 0].clamp(0, columns - 1).long() for each in (begin, end)
    )  # torchvision leaves out the last column
    y0, y1 = (each[:, 1].clamp(0, rows - 1).long() for each in (begin, end))
    flat = integral.reshape(count, channels // k**2, k, k, -1)  # cells beside their sums
    image = rois[:, 0].long()[:, None, None]
    down = torch.arange(k, device=rois.device)[None, :, None]
    across = torch.arange(k, device=rois.device)[None, None, :]

    def at(y: Tensor, x: Tensor) -> Tensor:
        place = y[:, :, None] * (columns + 1) + x[:, None, :]  # (N, k, k)
        return flat.permute(0, 2, 3, 4, 1)[image, down, across, place]  # (N, k, k, C)

    total = at(y1, x1) - at(y0, x1) - at(y1, x0) + at(y0, x0)
    area = (y1 - y0).clamp(min=0)[:, :, None] * (x1 - x0).clamp(min=0)[:, None, :]
    means = total / area.clamp(min=1)[..., None] * (area > 0)[..., None]
    return means.permute(0, 3, 1, 2)
