"""Residual networks whose blocks are left out at random while training, the later the more often.

Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016: linear decay to a probability of survival of 0.5.
"""

from __future__ import annotations

from seetell.nn.backbones.cifar_resnet import CifarResNet

SURVIVAL = 0.5
"""``p_L``, of the last block."""


class StochasticDepthResNet(CifarResNet):
    """A residual network of ``6n + 2`` layers; see :class:`CifarResNet`.

    Args:
        name: ends with the number of layers, as ``cifar_stochastic_depth110`` does.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        survival: of the last block while training.
    """

    def __init__(
        self, name: str, *, pretrained: bool, image_size: int | None = None, survival: float = SURVIVAL
    ) -> None:
        super().__init__(name, pretrained=pretrained, image_size=image_size, survival=survival)
