"""SiamFC: a fully convolutional network that compares the exemplar with every place of the search window.

Bertinetto, Valmadre, Henriques, Vedaldi & Torr, "Fully-Convolutional Siamese Networks for Object Tracking", ECCV 2016
workshops: ``f(z, x) = φ(z) ⋆ φ(x) + b`` (equation 2), trained by the logistic loss of each place, places near the
object and others having the same weight together (equations 3 to 5). The exemplar is 127 pixels with its context, and
windows twice that. Here ``φ`` is an encoder trained on ImageNet, which stays as it is, and a projection that is learnt.

``depth`` adds units of the paper "Deeper and Wider Siamese Networks for Real-Time Visual Tracking" (Zhang & Peng, CVPR
2019, SiamDW) behind the projection: residual units whose outermost cells, which padding has reached, are cropped (CIR).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_sizes
from seetell.nn.box_head import Loss
from seetell.tasks.single_object_tracking.models.correlation import cross_correlation
from seetell.tasks.single_object_tracking.models.siamese import Embedding, SiameseNetwork, TrackingTargets

NEAR = 16
"""Pixels of the search window within which a place is the object's."""


@dataclass(frozen=True)
class SiamFCConfig:
    """SiamFC.

    Attributes:
        strides: of the encoder's maps that are compared, finest first.
        channels: that each is projected to.
        depth: cropped residual units behind the projection.
    """

    strides: tuple[int, ...] = (8, 16)
    channels: int = 48
    depth: int = 0

    def __post_init__(self) -> None:
        check_sizes(self, "channels")
        check_not_negative(self, "depth")


class SiamFC(SiameseNetwork):
    """The network.

    Args:
        config: of the network.
        maps: channels of the encoder's maps at its strides.
        size: pixels of a window's side.
    """

    def __init__(self, config: SiamFCConfig, maps: Mapping[int, int], size: int) -> None:
        super().__init__()
        self.strides = tuple(maps)
        self.embedding = Embedding(maps, config.channels)
        width = self.embedding.channels
        self.units = nn.Sequential(*(CroppedResidualUnit(width) for _ in range(config.depth)))
        self.scale = nn.Parameter(torch.tensor(0.1))
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def template(self, exemplar: Tensor) -> tuple[Tensor]:
        """Return the exemplar's features, so scaled that responses have a size of about one."""
        features = self.units(exemplar)
        return (features * (self.scale / (features.shape[1] * features.shape[2] * features.shape[3]) ** 0.5),)

    def search(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor]:
        """Return the responses ``(B, h, w)``, logits; the middle one is that of an object that has not moved."""
        (kernel,) = template
        return (cross_correlation(self.units(window), kernel[:, None])[:, 0] + self.bias,)

    def losses(self, exemplar: Tensor, window: Tensor, targets: TrackingTargets) -> dict[str, Loss]:
        """Return the logistic loss, in which near places and others count alike."""
        (responses,) = self.search(window, self.template(exemplar))
        near = self._distances(responses, targets) <= NEAR
        near &= targets.present[:, None, None]
        each = F.binary_cross_entropy_with_logits(responses, near.float(), reduction="none")
        positives = near.sum(dim=(1, 2)).clamp(min=1)
        inside = (each * near).sum(dim=(1, 2)) / positives
        outside = (each * ~near).sum(dim=(1, 2)) / (~near).sum(dim=(1, 2))
        return {"logistic": ((inside + outside).mean() / 2, len(window))}

    def _distances(self, responses: Tensor, targets: TrackingTargets) -> Tensor:
        """Return how far each place is from the object, ``(B, h, w)`` in pixels."""
        middle = targets.boxes.new_tensor(responses.shape[-1] // 2)
        places = (torch.arange(responses.shape[-1], device=responses.device) - middle) * self.strides[0]
        moved = self._moved(targets.boxes, responses.shape[-1])
        across, down = (places[None, :] - moved[:, axis, None] for axis in (0, 1))
        return torch.hypot(down[:, :, None], across[:, None, :])

    def _moved(self, boxes: Tensor, places: int) -> Tensor:
        """Return by how much boxes are off the middle of the search window, ``(B, 2)`` in pixels."""
        size = (places + self.exemplar_cells - 2) * self.strides[0] + 1
        return (boxes[:, :2] + boxes[:, 2:]) / 2 - size / 2

    def locate(self, exemplar: Tensor, window: Tensor, sizes: Tensor) -> Tensor:
        """Return boxes of the exemplar's size at the greatest response."""
        (responses,) = self.search(window, self.template(exemplar))
        places = responses.shape[-1]
        best = responses.flatten(1).argmax(dim=1)
        offset = torch.stack([best % places, best // places], dim=1) - places // 2
        size = (places + self.exemplar_cells - 2) * self.strides[0] + 1
        centres = offset * self.strides[0] + size / 2
        return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1)


class CroppedResidualUnit(nn.Module):
    """A bottleneck whose sum with its input loses the outermost cells, which padding has reached (CIR, SiamDW).

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner, last = max(4, channels // 2), nn.Conv2d(max(4, channels // 2), channels, 1)
        nn.init.zeros_(last.weight)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, inner, 3, padding=1),
            nn.ReLU(),
            last,
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, h, w)`` to ``(B, C, h - 2, w - 2)``."""
        summed: Tensor = features + self.layers(features)
        return summed[:, :, 1:-1, 1:-1]
