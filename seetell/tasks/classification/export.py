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
    encoder_graph,
)
from seetell.nn.backbones import Encoder
from seetell.tasks.classification.data import read_class_folders
from seetell.tasks.classification.model import Classifier, PublishedClassifier
from seetell.training.trained import Trained


class ClassifierGraph(nn.Module):
    """``pooled (B, D)`` → ``logits (B, K)``, the weights in 8 bits with a scale per class: a thousand classes are many.

    Rounding moves a weight by at most half a step, 1/254 of the greatest weight of its class.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        linear = classifier.folded()
        scale = linear.weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
        self.register_buffer("weight", (linear.weight / scale).round().to(torch.int8))  # (K, D)
        self.register_buffer("scale", scale[:, 0])
        self.bias = linear.bias

    def forward(self, pooled: Tensor) -> tuple[Tensor]:
        """Classify."""
        return (F.linear(pooled, self.weight.to(pooled.dtype)) * self.scale + self.bias,)


class HiddenGraph(nn.Module):
    """An encoder and its published head but for the last layer: ``images (B, 3, H, W)`` → ``pooled (B, F)``."""

    def __init__(self, encoder: Encoder, classifier: PublishedClassifier) -> None:
        super().__init__()
        self.encoder, self.classifier = encoder, classifier

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Encode."""
        return (self.classifier.hidden(self.encoder(images).grid),)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained classifier."""
    data = trained.config.data
    dataset = read_class_folders(data.path, format=data.format, split_seed=data.split_seed)
    examples = Examples.of(dataset, trained.encoder)
    section = trained.config.section
    trained.model.auxiliary = nn.ModuleDict()  # which only training reads
    weights = {"classifier": trained.model.state_dict()}
    if section.train_encoder_after >= 0 or trained.config.init_from:
        weights["encoder"] = trained.encoder.state_dict()
    return declaration(trained, examples, weights=weights)


def declaration(trained: Trained, examples: Examples, *, weights: dict[str, dict[str, Tensor]]) -> Declaration:
    """Declare the bundle of a classifier.

    Args:
        trained: its encoder and its :class:`Classifier`.
        examples: images to calibrate on and to compare with torch on.
        weights: arrays to keep for further training, by part and name.
    """
    published = isinstance(trained.model, PublishedClassifier)
    encoder: nn.Module = (
        HiddenGraph(trained.encoder, trained.model) if published else FeaturesGraph(trained.encoder, with_grid=False)
    )
    with torch.no_grad():
        (pooled,) = encoder(torch.from_numpy(examples.comparison))
    classifier = GraphSpec(
        name="classifier",
        module=ClassifierGraph(trained.model).eval(),
        examples=(pooled.clone(),),
        inputs=("pooled",),
        outputs=("logits",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        tolerance=1e-3,
    )
    return Declaration(
        architecture="published-head" if published else "linear",
        graphs=(encoder_graph(encoder, ("pooled",), examples), classifier),
        examples=examples,
        models=(trained.model,),
        settings={},
        weights=weights,
        labels=trained.config.section.labels,
    )
