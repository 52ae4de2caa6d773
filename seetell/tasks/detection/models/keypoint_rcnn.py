"""Mask R-CNN for key points: the joints of each person as one-hot masks.

He et al., "Mask R-CNN", ICCV 2017, section 5: from 14 × 14 cells, eight convolutions, a transposed one and bilinear
interpolation make a map of 56 × 56 for each point; its softmax should be 1 in the one cell where the point is, and the
loss is the cross-entropy over the cells, for points that are marked and within the proposal. In print the convolutions
have 512 channels. The cell that an edge of the box lies in counts as inside, as in Detectron.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_sizes
from seetell.errors import RecipeError
from seetell.nn.box_head import Loss
from seetell.tasks.detection.models.branches import BRANCH_CELLS, BranchedRCNN
from seetell.tasks.detection.models.detector import DetectorSpec, convolution, no_loss
from seetell.tasks.detection.models.fpn import PyramidConfig

CELLS = 4 * BRANCH_CELLS
"""Rows and columns of a point's map."""


@dataclass(frozen=True)
class KeypointConfig(PyramidConfig):
    """Sizes of a Mask R-CNN for key points, beside those of :class:`~.fpn.PyramidConfig`.

    Attributes:
        point_width: channels of the branch.
        point_convolutions: of 3 × 3 cells, before the resolution is doubled twice.
    """

    point_width: int = 128
    point_convolutions: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "point_width", "point_convolutions")


class KeypointRCNN(BranchedRCNN):
    """Boxes, classes and key points.

    Args:
        config: sizes.
        spec: encoder, classes and key points.

    Raises:
        RecipeError: objects have no key points.
    """

    finds: ClassVar[Literal["", "masks", "key_points"]] = "key_points"

    def __init__(self, config: KeypointConfig, spec: DetectorSpec) -> None:
        super().__init__(config, spec)
        if not spec.key_points:
            raise RecipeError("detection.model: keypoint_rcnn needs a data set with key points, in COCO's format")
        widths = [config.width, *[config.point_width] * config.point_convolutions]
        convolutions = [convolution(inputs, outputs) for inputs, outputs in pairwise(widths)]
        up = nn.ConvTranspose2d(config.point_width, spec.key_points, 4, stride=2, padding=1)
        nn.init.kaiming_normal_(up.weight, nonlinearity="relu")
        assert up.bias is not None
        nn.init.zeros_(up.bias)
        self.points = nn.Sequential(*convolutions, up)

    def logits(self, trunk: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Return the logits of the points' cells in each box, ``(N, K, 56, 56)``."""
        maps: Tensor = self.points(self.branch_pool(trunk, rois))
        return F.interpolate(maps, size=(CELLS, CELLS), mode="bilinear", align_corners=False)

    def branch_loss(self, trunk: Sequence[Tensor], rois: Tensor, details: list[Tensor], labels: Tensor) -> Loss:
        """Return the mean cross-entropy of points; see :meth:`BranchedRCNN.branch_loss`.

        ``details`` are points ``(K, 3)`` in pixels of the input.
        """
        cells, counted = point_targets(torch.stack(details) if details else rois.new_zeros(0, 1, 3), rois[:, 1:])
        count = int(counted.sum())
        if not count:
            return no_loss(trunk[0]), 0
        logits = self.logits(trunk, rois).flatten(2)  # (N, K, 56²)
        return F.cross_entropy(logits[counted], cells[counted]), count

    def look(self, trunk: Sequence[Tensor], rois: Tensor, labels: Tensor) -> Tensor:
        """Return the logits of the points' cells, ``(N, K, 56, 56)``; see :meth:`BranchedRCNN.look`."""
        return self.logits(trunk, rois)


def point_targets(points: Tensor, boxes: Tensor, *, cells: int = CELLS) -> tuple[Tensor, Tensor]:
    """Return the cell of each point in its box, ``(N, K)`` counted row by row, and which points are learnt, ``(N, K)``.

    Args:
        points: ``(N, K, 3)`` in pixels of the input; see :mod:`seetell.geometry.key_points`.
        boxes: ``(N, 4)``.
        cells: rows and columns.
    """
    start, end = boxes[:, None, :2], boxes[:, None, 2:]
    place = ((points[..., :2] - start) / (end - start) * cells).floor().long()
    place = place - (points[..., :2] == end).long()
    inside = ((place >= 0) & (place < cells)).all(dim=-1) & (points[..., 2] > 0)
    return place[..., 1].clamp(0, cells - 1) * cells + place[..., 0].clamp(0, cells - 1), inside
