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
from seetell.tasks.classification.localiser import Localiser
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
    """An encoder and its published head but for the last layer: ``images (B, 3, H, W)`` → ``pooled (B, F)``.

    With the grid, ``(B, L, D)``, where it is needed.
    """

    def __init__(self, encoder: Encoder, classifier: PublishedClassifier, *, with_grid: bool) -> None:
        super().__init__()
        self.encoder, self.classifier, self.with_grid = encoder, classifier, with_grid

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Encode."""
        grid = self.encoder(images).grid
        pooled = self.classifier.hidden(grid)
        return (pooled, grid) if self.with_grid else (pooled,)


class LocaliserGraph(nn.Module):
    """``grid (B, L, D)`` → ``boxes (B, 4)``, xyxy normalised to [0, 1] over what the encoder sees."""

    def __init__(self, localiser: Localiser) -> None:
        super().__init__()
        self.localiser = localiser

    def forward(self, grid: Tensor) -> tuple[Tensor]:
        """Find the boxes."""
        return (self.localiser.boxes(self.localiser(grid)),)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained classifier."""
    section = trained.config.section
    examples = Examples.of(section.read(trained.config.data), trained.encoder)
    trained.model.auxiliary = nn.ModuleDict()  # which only training reads
    weights = {"classifier": trained.model.state_dict()}
    if section.trains_encoder or trained.config.encoder.adapter or trained.config.init_from:
        weights["encoder"] = trained.encoder.state_dict()
    return declaration(trained, examples, weights=weights)


def declaration(trained: Trained, examples: Examples, *, weights: dict[str, dict[str, Tensor]]) -> Declaration:
    """Declare the bundle of a classifier.

    Args:
        trained: its encoder and its :class:`Classifier`.
        examples: images to calibrate on and to compare with torch on.
        weights: arrays to keep for further training, by part and name.
    """
    localiser = trained.model.localiser
    outputs = ("pooled",) if localiser is None else ("pooled", "grid")
    encoder: nn.Module
    if published := isinstance(trained.model, PublishedClassifier):
        encoder = HiddenGraph(trained.encoder, trained.model, with_grid=localiser is not None)
    else:
        encoder = FeaturesGraph(trained.encoder, with_grid=localiser is not None)
    with torch.no_grad():
        pooled, *grids = (output.clone() for output in encoder(torch.from_numpy(examples.comparison)))
    heads = [_head_graph("classifier", ClassifierGraph(trained.model), pooled, "pooled", "logits")]
    if localiser is not None:
        heads.append(_head_graph("localiser", LocaliserGraph(localiser), grids[0], "grid", "boxes"))
    return Declaration(
        architecture="published-head" if published else "linear",
        graphs=(encoder_graph(encoder, outputs, examples), *heads),
        examples=examples,
        models=(trained.model,),
        settings={},
        weights=weights,
        labels=trained.config.section.labels,
    )


def _head_graph(name: str, module: nn.Module, features: Tensor, read: str, found: str) -> GraphSpec:
    return GraphSpec(
        name=name,
        module=module.eval(),
        examples=(features,),
        inputs=(read,),
        outputs=(found,),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        tolerance=1e-3,
    )
