"""Which encoders the tests of all encoders go through, and at which size."""

from __future__ import annotations

from seetell.nn.backbones import create_encoder

DEEPER = {
    *(f"cifar_{kind}{depth}" for kind in ("resnet", "plain") for depth in (32, 44, 56, 110)),
    *(f"cifar_preact_resnet{depth}" for depth in (56, 110)),
    *(f"cifar_stochastic_depth{depth}" for depth in (56, 110)),
    "cifar_wide_resnet28_10",
    "cifar_fractalnet40",
    "fishnet150",
}
"""Names of networks that repeat the blocks of others."""


def small_size(name: str) -> int:
    """Return a side in pixels that is fast and that the network can read: at most 64, or AlexNet's least."""
    if name == "alexnet2012":
        return 67
    import torch

    with torch.device("meta"):
        return min(64, create_encoder(name, weights="none").preprocessing.height)
