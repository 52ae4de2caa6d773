"""What the exporter writes of a pose network: one graph from images to joints, and its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.data.objects import read_objects
from seetell.export.declaration import Declaration, Examples, GraphSpec
from seetell.nn.backbones import Encoder
from seetell.tasks.pose.model import DeepPose
from seetell.training.trained import Trained

COMPARED = 8
"""Images that the graph is compared with torch on."""


class JointsGraph(nn.Module):
    """``images (B, 3, H, W)`` → ``joints (B, K, 2)``: x and y normalised to [0, 1], from the upper left corner."""

    def __init__(self, encoder: Encoder, poser: DeepPose) -> None:
        super().__init__()
        self.encoder, self.poser = encoder, poser

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Detect joints."""
        return (self.poser(self.encoder(images).grid) + 0.5,)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained network."""
    data, section = trained.config.data, trained.config.section
    examples = Examples.of(read_objects(data.path, captions=data.captions, **data.reading), trained.encoder)
    graph = GraphSpec(
        name="joints",
        module=JointsGraph(trained.encoder, trained.model).eval(),
        examples=(torch.from_numpy(examples.comparison[:COMPARED]),),
        inputs=("images",),
        outputs=("joints",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        quantise="static",
        tolerance=1e-3,
    )
    return Declaration(
        architecture="deeppose",
        graphs=(graph,),
        examples=examples,
        models=(trained.model,),
        settings={"key_points": section.key_points.to_dict(), "margin": section.margin},
        weights={"poser": trained.model.state_dict(), "encoder": trained.encoder.state_dict()},
        labels=(section.label,),
    )
