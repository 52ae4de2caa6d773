"""Which encoders the tests of all encoders go through, and at which size."""

from __future__ import annotations

from seetell.nn.backbones import OWN, create_encoder
from seetell.nn.backbones.catalogue import CATALOGUE

DEEPER = {
    *(f"cifar_{kind}{depth}" for kind in ("resnet", "plain") for depth in (32, 44, 56, 110)),
    *(f"cifar_preact_resnet{depth}" for depth in (56, 110)),
    *(f"cifar_stochastic_depth{depth}" for depth in (56, 110)),
    "cifar_wide_resnet28_10",
    "cifar_fractalnet40",
    "fishnet150",
}
"""Names of networks that repeat the blocks of others."""

OF_LIBRARIES = [entry.name for entry in CATALOGUE if entry.name not in OWN]
"""Those of the literature that are torchvision's and timm's."""

LEAST = {"alexnet2012": 67, "torchvision/inception_v3": 96, "inception_v4": 96}
"""Sides in pixels for networks that cannot read 64."""


def small_size(name: str) -> int:
    """Return a side in pixels that is fast and that the network can read: at most 64, or about its least."""
    if name in LEAST:
        return LEAST[name]
    if name in OF_LIBRARIES:
        return 64
    import torch

    with torch.device("meta"):
        return min(64, create_encoder(name, weights="none").preprocessing.height)
