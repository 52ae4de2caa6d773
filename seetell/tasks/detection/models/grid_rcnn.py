"""Grid R-CNN: a box is where the points of a grid in it are.

Lu et al., "Grid R-CNN", CVPR 2019: no box is regressed. For each proposal a fully convolutional branch on RoIAlign's
14 × 14 cells makes a heat map of 56 × 56 for each of 3 × 3 grid points; it covers a region twice as large as the box
each way, since an object may reach beyond its proposal (section 3.3). A point is where its map is highest (equations 1
and 2), and an edge the mean of the points on it, weighted by their scores (equation 3). *Feature fusion* (section 3.2)
adds to the features of a point those of its neighbours, each transformed by convolutions of its own (equations 4 and
5). Maps are learnt by cross-entropy on crosses of five cells at the true points of positive proposals. In print: eight
dilated convolutions of 192 channels, three 5 × 5 convolutions in each transformation. Departures: fewer and narrower
ones by default, one depth-wise 5 × 5 convolution in each transformation, and fusion of neighbours once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_sizes
from seetell.nn.box_head import Loss, fully_connected
from seetell.nn.roi_head import SampledRoIs
from seetell.nn.roi_pooling import PyramidRoIAlign, as_rois
from seetell.tasks.detection.models.detector import DetectorSpec, Targets, convolution, no_loss
from seetell.tasks.detection.models.fpn import PyramidConfig, PyramidRCNN
from seetell.tasks.detection.models.regions import matched_objects

SIDE = 3
"""Grid points across and down."""


@dataclass(frozen=True)
class GridConfig(PyramidConfig):
    """Sizes of a Grid R-CNN, beside those of :class:`~.fpn.PyramidConfig`.

    Attributes:
        grid_cells: rows and columns pooled per box for the grid branch; its maps have four times as many.
        grid_convolutions: of the branch.
        grid_width: its channels for each point.
        grid_regions: positive proposals per image, at most, that the branch learns from.
    """

    grid_cells: int = 14
    grid_convolutions: int = 2
    grid_width: int = 8
    grid_regions: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "grid_cells", "grid_convolutions", "grid_width", "grid_regions")


class GridBranch(nn.Module):
    """Pooled cells → a heat map for each grid point.

    Args:
        inputs: channels of the cells.
        width: channels for each point.
        convolutions: behind the cells.
    """

    def __init__(self, inputs: int, *, width: int, convolutions: int) -> None:
        super().__init__()
        points = SIDE**2
        channels = points * width
        layers = [convolution(inputs if not number else channels, channels) for number in range(convolutions)]
        self.layers = nn.Sequential(*layers)
        self.width = width
        pairs = [(source, point) for point in range(points) for source in _neighbours(point)]
        self.sources = [source for source, _ in pairs]
        self.targets = [point for _, point in pairs]
        moved = len(pairs) * width
        self.transform = nn.Conv2d(moved, moved, 5, padding=2, groups=moved)
        self.up = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, groups=points)
        self.maps = nn.ConvTranspose2d(channels, points, 4, stride=2, padding=1, groups=points)
        nn.init.normal_(self.maps.weight, std=0.01)
        assert self.maps.bias is not None
        nn.init.constant_(self.maps.bias, -4.0)  # most cells are none

    def forward(self, cells: Tensor) -> Tensor:
        """Map ``(N, C, s, s)`` to logits ``(N, 9, 4s, 4s)``, points row by row."""
        features = self.layers(cells).unflatten(1, (SIDE**2, self.width))  # (N, 9, w, s, s)
        moved = self.transform(features[:, self.sources].flatten(1, 2)).unflatten(1, (-1, self.width))
        fused = [
            features[:, point] + sum(moved[:, place] for place, target in enumerate(self.targets) if target == point)
            for point in range(SIDE**2)
        ]
        logits: Tensor = self.maps(F.relu(self.up(torch.cat(fused, dim=1))))
        return logits


class GridRCNN(PyramidRCNN):
    """Proposals and classes on a feature pyramid, and boxes by grid points.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def _add_head(self, config: PyramidConfig, spec: DetectorSpec) -> None:
        assert isinstance(config, GridConfig)
        self.classifier = nn.Sequential(
            fully_connected(config.width * config.cells**2, config.hidden, dropout=config.dropout),
            nn.Linear(config.hidden, spec.classes + 1),
        )
        self.grid_pool = PyramidRoIAlign(config.grid_cells, config.strides, canonical_size=config.canonical_box_size)
        self.grid = GridBranch(config.width, width=config.grid_width, convolutions=config.grid_convolutions)
        self.grid_regions = config.grid_regions

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Pool and classify; no box is regressed, so that deltas are 0; see :meth:`RegionDetector.head_outputs`."""
        logits = self.classifier(self.pool(trunk, rois))
        return logits, torch.zeros_like(logits[:, None, :1]).expand(-1, 1, 4)

    def box_losses(self, trunk: Sequence[Tensor], sampled: SampledRoIs, targets: Targets) -> dict[str, Loss]:
        """Return the losses of classes and of grid points; see :meth:`RegionDetector.box_losses`."""
        rois = as_rois(sampled.boxes)
        labels, matched = matched_objects(sampled, targets)
        logits, _ = self.head_outputs(trunk, rois)
        chosen = torch.nonzero(labels > 0)[:, 0]
        chosen = chosen[torch.randperm(len(chosen), device=chosen.device)[: self.grid_regions * len(sampled.boxes)]]
        maps = self.grid(self.grid_pool(trunk, rois[chosen])) if len(chosen) else None
        count = max(len(chosen), 1)
        grid = no_loss(logits)
        if maps is not None:
            wanted = grid_targets(rois[chosen, 1:], matched[chosen], maps.shape[-1])
            entropy = F.binary_cross_entropy_with_logits(maps, wanted, reduction="none")
            grid = entropy.flatten(1).sum(dim=1).sum() / count / SIDE**2
        return {"classification": (F.cross_entropy(logits, labels), len(labels)), "grid": (grid, count)}

    def classify(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores, and boxes ``(N, 4)`` by grid points; see :meth:`RegionDetector.classify`."""
        logits, _ = self.head_outputs(trunk, rois)
        maps = torch.sigmoid(self.grid(self.grid_pool(trunk, rois)))
        edges = grid_boxes(maps, rois[:, 1:])
        height, width = self.image_size
        boxes = torch.minimum(edges.clamp(min=0), edges.new_tensor([width, height, width, height]))
        return torch.softmax(logits, dim=1)[:, 1:], boxes


def _neighbours(point: int) -> list[int]:
    """Return the points beside one, above, below, left and right."""
    row, column = divmod(point, SIDE)
    places = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [down * SIDE + across for down, across in places if 0 <= down < SIDE and 0 <= across < SIDE]


def _extended(boxes: Tensor) -> Tensor:
    """Return the regions that heat maps of boxes ``(N, 4)`` cover: twice as large each way."""
    halves = (boxes[:, 2:] - boxes[:, :2]) / 2
    return torch.cat([boxes[:, :2] - halves, boxes[:, 2:] + halves], dim=1)


def grid_targets(boxes: Tensor, objects: Tensor, side: int) -> Tensor:
    """Return what the heat maps should be: crosses of five cells at the objects' grid points, ``(N, 9, side, side)``.

    Args:
        boxes: proposals, ``(N, 4)``.
        objects: of each, ``(N, 4)``.
        side: rows and columns of a map.
    """
    region = _extended(boxes)
    steps = torch.linspace(0, 1, SIDE, device=boxes.device)
    points = objects[:, None, :2] + steps[None, :, None] * (objects[:, None, 2:] - objects[:, None, :2])  # (N, 3, 2)
    shares = (points - region[:, None, :2]) / (region[:, None, 2:] - region[:, None, :2])
    x, y = (shares * side).floor().unbind(dim=-1)  # (N, 3)
    cells = torch.arange(side, device=boxes.device)
    across, down = (cells - x[..., None]).abs(), (cells - y[..., None]).abs()  # (N, 3, side)
    distance = down[:, :, None, :, None] + across[:, None, :, None, :]  # (N, 3, 3, side, side)
    return (distance <= 1).flatten(1, 2).to(boxes.dtype)


def grid_boxes(maps: Tensor, boxes: Tensor) -> Tensor:
    """Return the boxes ``(N, 4)`` that grid points lie on.

    Args:
        maps: probabilities, ``(N, 9, side, side)``.
        boxes: the proposals, ``(N, 4)``.
    """
    side = maps.shape[-1]
    region = _extended(boxes)
    score, place = maps.flatten(2).max(dim=2)  # (N, 9)
    row = torch.div(place, side, rounding_mode="floor")
    shares = torch.stack([place - row * side, row], dim=-1).to(boxes.dtype)  # (N, 9, 2)
    points = region[:, None, :2] + (shares + 0.5) / side * (region[:, None, 2:] - region[:, None, :2])
    x, y = points.reshape(-1, SIDE, SIDE, 2).unbind(dim=-1)  # (N, row, column)
    weight = score.reshape(-1, SIDE, SIDE).clamp(min=1e-6)
    left, right = ((weight * x)[:, :, end].sum(1) / weight[:, :, end].sum(1) for end in (0, SIDE - 1))
    upper, lower = ((weight * y)[:, end].sum(1) / weight[:, end].sum(1) for end in (0, SIDE - 1))
    return torch.stack([left, upper, right, lower], dim=1)
