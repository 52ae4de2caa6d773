"""What the exporter writes of a classifier: the encoder, the classifier, and weights for further training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.export.declaration import (
    Declaration,
    Examples,
    FeaturesGraph,
    GraphSpec,
    comparison_features,
    encoder_graph,
)
from seetell.tasks.classification.data import read_class_folders
from seetell.tasks.classification.model import LinearClassifier
from seetell.training.trained import Trained


class ClassifierGraph(nn.Module):
    """``pooled (B, D)`` → ``logits (B, K)``, the weights in 8 bits with a scale per class: a thousand classes are many.

    Rounding moves a weight by at most half a step, 1/254 of the greatest weight of its class.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, classifier: LinearClassifier) -> None:
        super().__init__()
        linear = classifier.folded()
        scale = linear.weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
        self.register_buffer("weight", (linear.weight / scale).round().to(torch.int8))  # (K, D)
        self.register_buffer("scale", scale[:, 0])
        self.bias = linear.bias

    def forward(self, pooled: Tensor) -> tuple[Tensor]:
        """Classify."""
        return (F.linear(pooled, self.weight.to(pooled.dtype)) * self.scale + self.bias,)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained classifier."""
    data = trained.config.data
    dataset = read_class_folders(data.path, format=data.format, split_seed=data.split_seed)
    examples = Examples.of(dataset, trained.encoder)
    section = trained.config.section
    weights = {"classifier": trained.model.state_dict()}
    if section.train_encoder_after >= 0 or trained.config.init_from:
        weights["encoder"] = trained.encoder.state_dict()
    return declaration(trained, examples, weights=weights)


def declaration(trained: Trained, examples: Examples, *, weights: dict[str, dict[str, Tensor]]) -> Declaration:
    """Declare the bundle of a classifier.

    Args:
        trained: its encoder and its :class:`LinearClassifier`.
        examples: images to calibrate on and to compare with torch on.
        weights: arrays to keep for further training, by part and name.
    """
    pooled = comparison_features(trained.encoder, examples).pooled
    classifier = GraphSpec(
        name="classifier",
        module=ClassifierGraph(trained.model).eval(),
        examples=(pooled,),
        inputs=("pooled",),
        outputs=("logits",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        tolerance=1e-3,
    )
    return Declaration(
        architecture="linear",
        graphs=(encoder_graph(FeaturesGraph(trained.encoder, with_grid=False), ("pooled",), examples), classifier),
        examples=examples,
        models=(trained.model,),
        settings={},
        weights=weights,
        labels=trained.config.section.labels,
    )
