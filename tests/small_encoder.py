"""An EfficientNet-Lite with a quarter of the channels and half the blocks: trained, saved and exported in no time."""

from __future__ import annotations

from pathlib import Path

NAME = "efficientnet_lite_small"
WIDTH, DEPTH, IMAGE_SIZE = 0.25, 0.25, 32


def register() -> None:
    """Make it known to ``create_encoder``."""
    from seetell.nn.backbones import OWN
    from seetell.nn.backbones.efficientnet_lite import VARIANTS, EfficientNetLite, Variant

    VARIANTS[NAME] = Variant(WIDTH, DEPTH, IMAGE_SIZE)
    OWN[NAME] = EfficientNetLite


def write_weights(path: Path) -> None:
    """Write random weights that neither shrink nor blow up what they see."""
    import torch
    from safetensors.torch import save_file

    from seetell.nn.backbones import create_encoder

    random = torch.Generator().manual_seed(0)
    encoder = create_encoder(NAME, weights="none")
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, generator=random)
    save_file(encoder.state_dict(), path)
