"""Feature pyramid: the encoder's maps at one width, each enriched by the coarser ones.

Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, figure 3. Departures: each channel of the
encoder is standardised first, for maps of a frozen encoder have very different scales; a coarser map is interpolated
rather than repeated, its corners staying corners, because cells are centred at multiples of the stride
(:meth:`~seetell.nn.backbones.Encoder.feature_maps`); and the last convolution is depthwise separable, at a ninth of the
cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from seetell.nn.standardisation import Standardise


class FeaturePyramid(nn.Module):
    """Lateral connections, the top-down pathway, and an output convolution per map.

    Args:
        channels: of the encoder's maps, by stride, finest first.
        width: channels of every map returned.
    """

    def __init__(self, channels: Mapping[int, int], *, width: int) -> None:
        super().__init__()
        self.strides = tuple(channels)
        self.norms = nn.ModuleList(Standardise(count) for count in channels.values())
        self.laterals = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels.values())
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Conv2d(width, width, 1))
            for _ in channels
        )

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Measure mean and deviation on the encoder's maps ``(B, C_s, h, w)`` of some training images, finest first."""
        for norm, activation in zip(self.norms, maps, strict=True):
            assert isinstance(norm, Standardise)
            norm.fit(_channels_last(activation))

    def each_standardised(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Standardise each channel of the maps, ``(B, C_s, h, w)`` per stride, finest first."""
        return [
            norm(_channels_last(activation)).permute(0, 3, 1, 2)
            for norm, activation in zip(self.norms, maps, strict=True)
        ]

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map ``(B, C_s, h, w)`` per stride to ``(B, width, h, w)``, finest first."""
        standardised = self.each_standardised(maps)
        merged = [lateral(activation) for lateral, activation in zip(self.laterals, standardised, strict=True)]
        for finer in reversed(range(len(merged) - 1)):
            size = (merged[finer].shape[2], merged[finer].shape[3])
            above = F.interpolate(merged[finer + 1], size=size, mode="bilinear", align_corners=True)
            merged[finer] = merged[finer] + above
        return [smooth(activation) for smooth, activation in zip(self.smooth, merged, strict=True)]

    def standardised(self, vectors: Tensor) -> Tensor:
        """Standardise vectors ``(B, C_s)`` taken from the coarsest of the encoder's maps."""
        norm = self.norms[len(self.norms) - 1]
        assert isinstance(norm, Standardise)
        return norm(vectors)  # type: ignore[no-any-return]


def _channels_last(activation: Tensor) -> Tensor:
    return activation.permute(0, 2, 3, 1)
