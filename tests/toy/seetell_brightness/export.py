"""What the exporter writes: the encoder, and the scores that follow from its pooled vector."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from seetell.export.declaration import (
    Declaration,
    Examples,
    FeaturesGraph,
    GraphSpec,
    comparison_features,
    encoder_graph,
)
from seetell.training.trained import Trained
from seetell_brightness.data import LABELS, read


class ScoresGraph(nn.Module):
    """``pooled (B, D)`` → ``scores (B, 2)``, which sum to 1."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pooled: torch.Tensor) -> tuple[torch.Tensor]:
        """Score."""
        return (torch.softmax(self.model(pooled), dim=1),)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained model."""
    dataset = read(Path(trained.config.data.path))
    examples = Examples(dataset.split("train"), dataset.split("val"), trained.encoder.preprocessing)
    scores = GraphSpec(
        name="scores",
        module=ScoresGraph(trained.model).eval(),
        examples=(comparison_features(trained.encoder, examples).pooled,),
        inputs=("pooled",),
        outputs=("scores",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        tolerance=1e-3,
    )
    return Declaration(
        architecture="linear",
        graphs=(encoder_graph(FeaturesGraph(trained.encoder, with_grid=False), ("pooled",), examples), scores),
        examples=examples,
        models=(trained.model,),
        settings={},
        weights={"brightness": trained.model.state_dict()},
        labels=LABELS,
    )
