"""DeepPose: the joints of a person as one regression.

Toshev & Szegedy, "DeepPose: Human Pose Estimation via Deep Neural Networks", CVPR 2014, section 3.1: the box of a
person goes through a network whose last layer is a linear one to the ``2 K`` coordinates of its joints, relative to the
middle of the box and to its sides; the loss is the squared distance of the joints that are marked (equations 1 to 3).
In print the network is AlexNet on 220 × 220 pixels, with two layers of 4,096 units before the last, and 14 joints.

Departures: any encoder with a grid takes the place of the convolutions, its cells reduced to fewer channels; and there
is the first stage alone, without the stages that look at each joint again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.nn.box_head import fully_connected

if TYPE_CHECKING:
    from seetell.training.config import RunConfig


class DeepPose(nn.Module):
    """The layers behind the encoder's grid.

    Args:
        channels: of a cell.
        cells: their number.
        joints: ``K``.
        width: channels that a cell is reduced to.
        hidden: width of the two layers.
        dropout: probability of zeroing an element behind each in training.
    """

    def __init__(self, channels: int, cells: int, joints: int, *, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, width)
        self.layers = fully_connected(cells * width, hidden, dropout=dropout)
        self.joints = nn.Linear(hidden, 2 * joints)
        nn.init.normal_(self.joints.weight, std=0.001)
        nn.init.zeros_(self.joints.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """Return the joints ``(B, K, 2)`` of grids ``(B, L, D)``: x and y, 0 in the middle of the image, 1 its side."""
        joints: Tensor = self.joints(self.layers(torch.relu(self.reduce(grid)))).unflatten(1, (-1, 2))
        return joints


def squared_distances(found: Tensor, points: Tensor) -> Tensor:
    """Return the squared distances of joints that are marked, ``(M,)``.

    Args:
        found: ``(B, K, 2)``.
        points: ``(B, K, 3)`` in the same units; see :mod:`seetell.geometry.key_points`.
    """
    distances: Tensor = (found - points[..., :2]).square().sum(dim=-1)
    return distances[points[..., 2] > 0]


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> DeepPose:
    """Create the head of a run with random weights.

    Args:
        config: of the run, with the names of its joints.
        encoder: its encoder.
        vocabulary: none.

    Raises:
        RecipeError: the encoder has no grid.
    """
    section = config.section
    rows, columns = encoder.grid_size
    if not rows * columns:
        raise RecipeError(f"encoder.name: {encoder.name} has no grid; choose another encoder")
    return DeepPose(
        encoder.channels,
        rows * columns,
        len(section.key_points.names),
        width=section.width,
        hidden=section.hidden,
        dropout=section.dropout,
    )
