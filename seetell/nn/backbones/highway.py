"""Highway networks: a gate in each layer decides how much of its input is transformed and how much is carried on.

Srivastava et al., "Training Very Deep Networks", NIPS 2015, equation 3: ``y = H(x)·T(x) + x·(1 − T(x))``. The widths
are those of the FitNets (Romero et al., ICLR 2015) that its table 2 compares with, so far as they are known.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise

CHANNELS: dict[str, tuple[tuple[int, ...], ...]] = {
    "cifar_highway11": ((16,) * 3, (32,) * 3, (64,) * 3),
    "cifar_highway19": ((32, 32, 32, 48, 48), (80,) * 6, (128,) * 6),
}
"""By name, of the convolutions before each pooling."""


class HighwayLayer(nn.Module):
    """A gated 3×3 convolution that keeps the shape.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.transform = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Keep the shape ``(B, C, H, W)``."""
        gate = torch.sigmoid(self.gate(inputs))
        return inputs + gate * (torch.relu(self.transform(inputs)) - inputs)


class Highway(StagedEncoder):
    """A highway network for images of 32 pixels; layers that change the number of channels have no gate.

    Args:
        name: a key of ``CHANNELS``.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        gate_bias: that the gates begin with, so that they carry at first; from -1 to -3 in the paper, the deeper the
            lower.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None, gate_bias: float = -2.0) -> None:
        stages, inputs, stride = [], 3, 1
        for widths in CHANNELS[name]:
            layers: list[nn.Module] = [nn.MaxPool2d(2)] if stride > 1 else []
            for outputs in widths:
                layers += (
                    [HighwayLayer(outputs)]
                    if inputs == outputs
                    else [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                )
                inputs = outputs
            stages.append(Stage(stride, nn.Sequential(*layers)))
            stride *= 2
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")
        for layer in self.modules():
            if isinstance(layer, HighwayLayer):
                nn.init.constant_(layer.gate.bias, gate_bias)  # type: ignore[arg-type]

    def published_head(self, classes: int) -> PublishedHead:
        """Return the maximum of each map, and the outputs."""
        return PublishedHead(nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten()), nn.Linear(self.channels, classes))
