"""A network of styles as a bundle, which :mod:`seetell.explain.style_model` runs without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seetell.explain.style_model import MULTIPLE, TASK
from seetell.explain.style_network import StyleNetwork
from seetell.export.declaration import Declaration, Examples, GraphSpec, Origin
from seetell.export.exporter import export_declared
from seetell.training.config import CardConfig

TOLERANCE = 0.02
"""Largest difference of a pixel, in shares of the range from black to white: large weights are stored in half
precision."""


class _Pictures(nn.Module):
    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, mix: Tensor) -> tuple[Tensor]:
        return (self.network(images, mix),)


def export_styles(
    network: StyleNetwork,
    folder: Path,
    *,
    encoder: str,
    card: CardConfig,
    command: str,
    started_from: str,
    steps: int,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a bundle; ``folder`` is replaced if it exists.

    Args:
        network: in evaluation mode.
        folder: of the bundle, whose name is the model's.
        encoder: name of the encoder whose layers were compared.
        card: licence of the weights, and data that they were trained on.
        command: that trained them.
        started_from: the weights that it began with; empty for random ones.
        steps: length of the training.
        config: of the training.

    Returns:
        The content of ``model.json``.

    Raises:
        BundleError: the graph differs from torch beyond tolerance.
    """
    generator = torch.Generator().manual_seed(0)
    images = 2 * torch.rand(2, 3, 16 * MULTIPLE, 20 * MULTIPLE, generator=generator) - 1
    mix = torch.softmax(torch.randn(2, 1 + len(network.styles), generator=generator), dim=1)
    batch = torch.export.Dim("batch", min=1)
    sides = {2 + axis: MULTIPLE * torch.export.Dim(name, min=4) for axis, name in enumerate(("rows", "columns"))}
    spec = GraphSpec(
        name="styles",
        module=_Pictures(network).eval(),
        examples=(images, mix),
        inputs=("images", "mix"),
        outputs=("pictures",),
        dynamic_shapes=({0: batch, **sides}, {0: batch}),
        weights="half",
        tolerance=TOLERANCE,
    )
    declared = Declaration(
        architecture="style_network",
        graphs=(spec,),
        examples=Examples([], [], network.preprocessing),
        models=(network,),
        settings={},
        labels=network.styles,
    )
    origin = Origin(
        task=TASK,
        preprocessing=network.preprocessing,
        vocabulary=None,
        encoder=encoder,
        encoder_parameters=0,
        card=card,
        command=command,
        started_from=started_from,
        config=config,
        trained_steps=steps,
    )
    return export_declared(declared, origin, folder, name=folder.name)
