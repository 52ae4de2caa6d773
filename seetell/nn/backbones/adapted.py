"""An encoder with a residual adapter behind it: the features of a frozen network, refined by few trained weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from seetell.nn.backbones.encoder import Encoder, Features
from seetell.nn.domain_adaptation.residual_adapter import ResidualAdapter


class AdaptedEncoder(Encoder):
    """See :class:`~seetell.nn.backbones.encoder.Encoder`; feature maps are those of the frozen network.

    Args:
        base: the network.
        width: hidden units of the adapter, which refines the pooled vector and each location's alike.
    """

    def __init__(self, base: Encoder, width: int) -> None:
        super().__init__()
        self.base, self.adapter = base, ResidualAdapter(base.channels, width)
        self.name, self.channels, self.grid_size = base.name, base.channels, base.grid_size
        self.preprocessing = base.preprocessing

    @property
    def unadapted(self) -> Encoder:
        """The network."""
        return self.base

    def adapt(self, features: Features) -> Features:
        """Refine features of the network."""
        grid = None if features.grid is None else self.adapter(features.grid)
        return features._replace(pooled=self.adapter(features.pooled), grid=grid)

    def forward(self, images: Tensor) -> Features:
        """Encode preprocessed images, ``(B, 3, H, W)``."""
        return self.adapt(self.base(images))

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride in pixels, finest first."""
        return self.base.feature_map_channels

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the last activation of each resolution; see :meth:`Encoder.feature_maps`."""
        return self.base.feature_maps(images, strides)

    def trainable(self, *, frozen_stages: int) -> list[nn.Parameter]:
        """Return the adapter's parameters: the network before it is frozen."""
        return list(self.adapter.parameters())

    def first_stages(self, frozen_stages: int) -> nn.Module:
        """Return the first stages of the network; see :meth:`Encoder.first_stages`."""
        return self.base.first_stages(frozen_stages)

    def forward_from_stage(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Resume from the activation that :meth:`first_stages` returned."""
        return self.adapt(self.base.forward_from_stage(activation, frozen_stages=frozen_stages))
