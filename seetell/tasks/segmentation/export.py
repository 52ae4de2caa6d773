"""What the exporter writes of a segmenter: one graph from images to the probabilities of classes, and its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.export.declaration import Declaration, Examples, GraphSpec, sample_images
from seetell.nn.backbones import Encoder
from seetell.tasks.segmentation.data import read_label_maps
from seetell.tasks.segmentation.model import Segmenter
from seetell.training.trained import Trained

TOLERANCE = 1e-3
"""Largest difference of a probability from torch's."""

SWITCHES_TOLERANCE = 0.1
"""The same where switches are read: of two nearly equal maxima the graph may remember the other."""


class SegmenterGraph(nn.Module):
    """``images (B, 3, H, W)`` → ``probabilities (B, K, H, W)``."""

    def __init__(self, encoder: Encoder, segmenter: Segmenter) -> None:
        super().__init__()
        self.encoder, self.segmenter = encoder, segmenter

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Segment."""
        return (self.segmenter.segment(self.encoder, images).softmax(dim=1),)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained segmenter."""
    data, section = trained.config.data, trained.config.section
    dataset = read_label_maps(data.path, labels=section.labels, format=data.format, split_seed=data.split_seed)
    examples = Examples.of(dataset, trained.encoder)
    images = torch.from_numpy(sample_images(trained.encoder.preprocessing, examples.compared, 2))
    graph = GraphSpec(
        name="segmenter",
        module=SegmenterGraph(trained.encoder, trained.model).eval(),
        examples=(images,),
        inputs=("images",),
        outputs=("probabilities",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        quantise="static",
        tolerance=SWITCHES_TOLERANCE if section.model == "segnet" else TOLERANCE,
    )
    return Declaration(
        architecture=section.model,
        graphs=(graph,),
        examples=examples,
        models=(trained.model,),
        settings={},
        weights={"segmenter": trained.model.state_dict(), "encoder": trained.encoder.state_dict()},
        labels=section.labels,
    )
