"""Where the object is whose class an image gets: a second head beside the classifier's, with one box per image.

Sermanet et al., "OverFeat: Integrated Recognition, Localization and Detection using Convolutional Networks", ICLR 2014,
section 4: fully connected layers on the last map, trained to the four numbers of the box. The box is the same for all
classes, as in single-class regression of Simonyan & Zisserman (2015), section 4. Departures: the map has fewer channels
before it is flattened, and the numbers are standardised, as in Girshick, "Fast R-CNN", ICCV 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.nn.standardisation import Standardise

PROJECTED, HIDDEN = 64, 256
LEAST_SIDE = 0.01
"""Of a predicted box, in normalised coordinates."""


class Localiser(nn.Module):
    """The box of an image's object, from the encoder's grid.

    Args:
        feature_size: ``D``, channels of the grid.
        grid_size: rows and columns of the grid.
        dropout: probability of zeroing a hidden unit in training.
    """

    def __init__(self, feature_size: int, grid_size: tuple[int, int], *, dropout: float = 0.0) -> None:
        super().__init__()
        rows, columns = grid_size
        self.norm = Standardise(feature_size)
        self.project = nn.Linear(feature_size, PROJECTED)
        self.hidden = nn.Linear(rows * columns * PROJECTED, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(HIDDEN, 4)
        self.box_norm = Standardise(4)

    def fit(self, grid: Tensor, boxes: Tensor) -> None:
        """Measure means and deviations of features and boxes.

        Args:
            grid: of training images, ``(N, L, D)``.
            boxes: as many as there are, ``(M, 4)`` xyxy normalised to [0, 1].
        """
        self.norm.fit(grid)
        self.box_norm.fit(to_centre(boxes))

    def targets(self, boxes: Tensor) -> Tensor:
        """Return what :meth:`forward` is trained to for boxes ``(B, 4)`` xyxy normalised to [0, 1]."""
        targets: Tensor = self.box_norm(to_centre(boxes))
        return targets

    def forward(self, grid: Tensor) -> Tensor:
        """Return the standardised centre, width and height ``(B, 4)`` for grids ``(B, L, D)``."""
        places = torch.relu(self.project(self.norm(grid))).flatten(1)
        numbers: Tensor = self.output(self.dropout(torch.relu(self.hidden(places))))
        return numbers

    def boxes(self, numbers: Tensor) -> Tensor:
        """Return boxes ``(B, 4)`` xyxy normalised to [0, 1], within it, for what :meth:`forward` returned."""
        across, down, width, height = (numbers * self.box_norm.deviation + self.box_norm.mean).unbind(dim=1)
        half_width, half_height = width.clamp(min=LEAST_SIDE) / 2, height.clamp(min=LEAST_SIDE) / 2
        corners = [across - half_width, down - half_height, across + half_width, down + half_height]
        return torch.stack(corners, dim=1).clamp(0, 1)


def to_centre(boxes: Tensor) -> Tensor:
    """Return centre, width and height ``(B, 4)`` of boxes ``(B, 4)`` xyxy."""
    corner, opposite = boxes[:, :2], boxes[:, 2:]
    return torch.cat([(corner + opposite) / 2, opposite - corner], dim=1)
