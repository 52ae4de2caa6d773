"""UDT: features for a correlation filter, learnt from films that nobody has labelled.

Wang, Song, Ma, Zhou, Liu & Li, "Unsupervised Deep Tracking", CVPR 2019: a filter learnt on a patch of one frame is
applied to the same place of a later one; from its response there another filter is learnt and applied to the first
frame, where its response ought to be what the first filter was told: ``L = ‖R_T − Y_T‖²``. The filter is a layer with a
closed form, as in DCFNet: that of :mod:`~seetell.tasks.single_object_tracking.filters.kcf` with a linear kernel. The
tenth of the pairs with the greatest loss is left out, and pairs in which more moves weigh more. Here ``φ`` is a
projection of an encoder's finest maps, which stay as they are; one later frame is used instead of two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.config import check_positive, check_sizes
from seetell.nn.box_head import Loss
from seetell.tasks.single_object_tracking.models.siamese import Embedding, SiameseNetwork, TrackingTargets

DROPPED = 0.1
"""Share of the pairs of a batch, those of greatest loss, that do not count."""


@dataclass(frozen=True)
class UdtConfig:
    """UDT.

    Attributes:
        strides: of the encoder's maps that are projected, finest first.
        channels: of the features.
        regularisation: ``λ``.
        deviation: of the response that is wanted, in cells.
    """

    strides: tuple[int, ...] = (4,)
    channels: int = 32
    regularisation: float = 1e-4
    deviation: float = 2.0

    def __post_init__(self) -> None:
        check_sizes(self, "channels")
        check_positive(self, "regularisation", "deviation")


class Udt(SiameseNetwork):
    """The network.

    Args:
        config: of the network.
        maps: channels of the encoder's maps at its strides.
        size: pixels of a window's side.
    """

    learns_from = "films"
    exemplar_cells = 0
    wanted: Tensor
    window: Tensor

    def __init__(self, config: UdtConfig, maps: Mapping[int, int], size: int) -> None:
        super().__init__()
        self.strides, self.regularisation = tuple(maps), config.regularisation
        self.embedding = Embedding(maps, config.channels, relu=True)
        width = self.embedding.channels
        self.layers = nn.Conv2d(width, config.channels, 3, padding=1)
        self.cells = (size - 1) // self.strides[0] + 1
        places = torch.fft.fftfreq(self.cells, 1 / self.cells)
        distances = places[:, None] ** 2 + places[None, :] ** 2
        self.register_buffer("wanted", torch.exp(-distances / (2 * config.deviation**2)), persistent=False)
        hann = torch.hann_window(self.cells + 2, periodic=False)[1:-1]
        self.register_buffer("window", hann[:, None] * hann[None, :], persistent=False)

    def features(self, embedded: Tensor) -> Tensor:
        """Return features ``(B, C, n, n)`` of unit energy a cell on average, fading towards the edges."""
        features = self.layers(embedded)
        energy = features.square().mean(dim=(1, 2, 3), keepdim=True)
        faded: Tensor = features * torch.rsqrt(energy + 1e-6) * self.window
        return faded

    def template(self, exemplar: Tensor) -> tuple[Tensor]:
        """Return the features of the exemplar."""
        return (self.features(exemplar),)

    def search(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor]:
        """Return the response ``(B, n, n)``, whose first cell stands for no movement."""
        return (self._response(template[0], self.wanted.expand(len(template[0]), -1, -1), self.features(window)),)

    def _response(self, learnt: Tensor, wanted: Tensor, searched: Tensor) -> Tensor:
        """Return the response to features ``(B, C, n, n)`` of the filter that gives others the one that is wanted."""
        one, other, label = torch.fft.rfft2(learnt), torch.fft.rfft2(searched), torch.fft.rfft2(wanted)
        size = learnt.shape[1] * learnt.shape[2] * learnt.shape[3]
        energy = (one * one.conj()).real.sum(dim=1) / size
        dual = label / (energy + self.regularisation)
        response: Tensor = torch.fft.irfft2((one.conj() * other).sum(dim=1) / size * dual, s=learnt.shape[2:])
        return response

    def losses(self, exemplar: Tensor, window: Tensor, targets: TrackingTargets) -> dict[str, Loss]:
        """Return the consistency of forward and backward tracking."""
        first, later = self.features(exemplar), self.features(window)
        wanted = self.wanted.expand(len(first), -1, -1)
        forward = self._response(first, wanted, later)
        backward = self._response(later, forward, first)
        each = (backward - wanted).square().sum(dim=(1, 2))
        with torch.no_grad():
            moved = (wanted - forward).square().sum(dim=(1, 2))
            kept = each <= torch.quantile(each, 1 - DROPPED)
            weights = moved * kept
            weights = weights / weights.sum().clamp(min=1e-6)
        return {"consistency": ((each * weights).sum(), len(first))}

    def locate(self, exemplar: Tensor, window: Tensor, sizes: Tensor) -> Tensor:
        """Return boxes of the exemplar's size at the greatest response."""
        (response,) = self.search(window, self.template(exemplar))
        best = response.flatten(1).argmax(dim=1)
        offset = torch.stack([best % self.cells, best // self.cells], dim=1)
        offset = torch.where(offset > self.cells / 2, offset - self.cells, offset)
        size = (self.cells - 1) * self.strides[0] + 1
        centres = offset * self.strides[0] + size / 2
        return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1)
