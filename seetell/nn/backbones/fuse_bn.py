"""Batch normalisation taken into the convolution before it.

With stored statistics both are linear: ``γ · (W ∗ x − μ) / σ + β`` is a convolution with weights ``γ W / σ`` and bias
``β − γ μ / σ``. A graph of the one is smaller than a graph of the two, and half the time of writing it goes into
normalisations.
"""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seetell.nn.backbones.efficientnet_lite import SamePadConv2d

PLAIN_CONVOLUTIONS = (nn.Conv2d, SamePadConv2d)
"""Those that use their weights as they are, which not every kind of convolution does."""


def fuse_conv_bn(module: nn.Module) -> nn.Module:
    """Return a copy that says the same without the normalisations that follow a convolution in an ``nn.Sequential``.

    Args:
        module: in evaluation mode.
    """
    copied = copy.deepcopy(module)
    for layers in copied.modules():
        if not isinstance(layers, nn.Sequential):
            continue
        for place in range(len(layers) - 1):
            layer, norm = layers[place], layers[place + 1]
            # subclasses may do more than their base: timm's normalisation activates too
            if isinstance(layer, nn.Conv2d) and type(layer) in PLAIN_CONVOLUTIONS and type(norm) is nn.BatchNorm2d:
                layers[place] = fuse_conv_bn_eval(layer, norm)
                layers[place + 1] = nn.Identity()
    return copied
