"""The plain networks that residual ones were compared with: the same layers without shortcuts.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 6: with depth they become harder to train,
though they could represent all that shallower ones do.
"""

from __future__ import annotations

from seetell.nn.backbones.cifar_resnet import CifarResNet


class PlainNetwork(CifarResNet):
    """A plain network of ``6n + 2`` layers; see :class:`CifarResNet`.

    Args:
        name: ends with the number of layers, as ``cifar_plain56`` does.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        super().__init__(name, pretrained=pretrained, image_size=image_size, shortcut="none")
