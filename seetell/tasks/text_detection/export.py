"""What the exporter writes of a text detector: one graph, which the bundle of a reader has as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seetell.export.declaration import Declaration, Examples, GraphSpec
from seetell.nn.backbones import Encoder
from seetell.tasks.text_detection.config import TextDetectionConfig
from seetell.tasks.text_detection.line_finder import padded
from seetell.tasks.text_detection.models.db import Db, build
from seetell.tasks.text_detection.train import rendered_pages
from seetell.training.config import only
from seetell.training.trained import Trained, load_trained

COMPARED = 2
"""Rendered pictures on which the graph is compared with torch."""


class DetectorGraph(nn.Module):
    """``images (B, 3, H, W)``, from 0 to 255 → probabilities ``text (B, h, w)``."""

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder, detector: Db) -> None:
        super().__init__()
        self.encoder, self.detector = encoder, detector
        self.register_buffer("mean", torch.tensor(encoder.preprocessing.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(encoder.preprocessing.std)[:, None, None])

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Find text."""
        return (torch.sigmoid(self.detector.logits(self.encoder, (images - self.mean) / self.std)),)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained text detector."""
    return Declaration(
        architecture="db",
        graphs=(detector_graph(trained),),
        examples=Examples((), (), trained.encoder.preprocessing),
        models=(trained.model,),
        settings={},
        weights={"detector": trained.model.state_dict(), "encoder": trained.encoder.state_dict()},
    )


def detector_of(run: Path) -> Trained:
    """Load the best weights of a run; see :func:`~seetell.training.trained.load_trained` for errors."""
    return load_trained(run, build, only(text_detection=TextDetectionConfig))


def detector_graph(trained: Trained) -> GraphSpec:
    """Declare the graph ``line_detector`` of a trained text detector."""
    pages = rendered_pages(trained.config.section, held_out=True)
    pictures = [padded(np.asarray(pages.render(number).image)) for number in range(COMPARED)]
    images = torch.from_numpy(np.moveaxis(np.stack(pictures), 3, 1).astype(np.float32))
    auto = torch.export.Dim.AUTO
    return GraphSpec(
        name="line_detector",
        module=DetectorGraph(trained.encoder, trained.model).eval(),
        examples=(images,),
        inputs=("images",),
        outputs=("text",),
        dynamic_shapes=({0: auto, 2: auto, 3: auto},),
        weights="half",
        tolerance=5e-2,
    )
