"""Classifiers of images, with calibrated probabilities: linear ones, and the heads that encoders were published with.

After training, logits are divided by a temperature that is fitted to validation images (Guo et al., "On Calibration of
Modern Neural Networks", ICML 2017, section 4.2): of images labelled with a probability of 0.8, 80 % should be right.
Departure: a normal prior on the temperature's logarithm, so that a handful of images does not decide it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, Features, PublishedHead
from seetell.nn.standardisation import Standardise
from seetell.tasks.classification.localiser import Localiser

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

LOG_TEMPERATURES = torch.linspace(-2, 2, 401)
PRIOR_DEVIATION = 0.5
"""Of the temperature's logarithm: about as far as networks with label smoothing are from 0."""


class Classifier(nn.Module):
    """A module that makes logits, which are calibrated outside training.

    Attributes:
        auxiliary: classifiers beside the encoder's trunk, by name, which only training reads; mostly none.
        localiser: finds the box of the object that the label is of; mostly ``None``.
    """

    temperature: Tensor
    localiser: Localiser | None

    def __init__(self) -> None:
        super().__init__()
        self.auxiliary = nn.ModuleDict()
        self.localiser = None
        self.register_buffer("temperature", torch.ones(()))

    def of(self, features: Features) -> Tensor:
        """Return logits ``(B, K)`` of an encoder's features; outside training, calibrated ones."""
        raise NotImplementedError

    def folded(self) -> nn.Linear:
        """Return the last layer, the temperature and what else is linear as one layer, for prediction."""
        raise NotImplementedError

    def _calibrated(self, logits: Tensor) -> Tensor:
        return logits if self.training else logits / self.temperature

    def calibrate(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Fit the temperature.

        Args:
            logits: of images that were not trained on, as :meth:`forward` returns them outside training, ``(N, K)``.
            labels: their classes, ``(N,)`` int64.

        Returns:
            The logits with the new temperature.
        """
        logits = logits * self.temperature.to(logits.device)
        losses = [
            F.cross_entropy(logits / log.exp(), labels, reduction="sum") + (log / PRIOR_DEVIATION).square() / 2
            for log in LOG_TEMPERATURES
        ]
        self.temperature.fill_(LOG_TEMPERATURES[int(torch.stack(losses).argmin())].exp())
        return logits / self.temperature.to(logits.device)


class LinearClassifier(Classifier):
    """Standardised features, dropout, and one logit per class.

    Args:
        feature_size: ``D``, length of the encoder's pooled vector.
        classes: ``K``, number of classes.
        dropout: probability of zeroing a feature in training.
    """

    def __init__(self, feature_size: int, classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = Standardise(feature_size)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(feature_size, classes)

    def of(self, features: Features) -> Tensor:
        """Classify the pooled vectors."""
        logits: Tensor = self(features.pooled)
        return logits

    def forward(self, pooled: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of pooled vectors ``(B, D)``; outside training, calibrated ones."""
        return self._calibrated(self.linear(self.dropout(self.norm(pooled))))

    def folded(self) -> nn.Linear:
        """Return standardisation, linear layer and temperature as one linear layer, for prediction."""
        with torch.no_grad():
            weight = self.linear.weight.double() / self.norm.deviation.double()  # (K, D)
            bias = self.linear.bias.double() - weight @ self.norm.mean.double()
            weight, bias = weight / self.temperature, bias / self.temperature
            folded = nn.Linear(weight.shape[1], weight.shape[0])
            folded.weight.copy_(weight)
            folded.bias.copy_(bias)
        return folded.requires_grad_(False)


class PublishedClassifier(Classifier):
    """What an encoder's paper put behind its last map.

    Args:
        head: of :meth:`~seetell.nn.backbones.Encoder.published_head`.
        grid_size: rows and columns of the map.
        classes: ``K``, number of classes.
    """

    def __init__(self, head: PublishedHead, grid_size: tuple[int, int], classes: int) -> None:
        super().__init__()
        self.head, self.grid_size, self.classes = head, grid_size, classes

    def of(self, features: Features) -> Tensor:
        """Classify the grids."""
        assert features.grid is not None
        logits: Tensor = self(features.grid)
        return logits

    def forward(self, grid: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of grids ``(B, L, D)``; outside training, calibrated ones."""
        return self._calibrated(self.head.output(self.hidden(grid)))

    def hidden(self, grid: Tensor) -> Tensor:
        """Return what the last layer reads, ``(B, F)``."""
        hidden: Tensor = self.head.hidden(grid.transpose(1, 2).reshape(grid.shape[0], -1, *self.grid_size))
        return hidden

    def folded(self) -> nn.Linear:
        """Return last layer and temperature as one linear layer; a head without such a layer has the identity's."""
        output = self.head.output
        with torch.no_grad():
            weight, bias = torch.eye(self.classes), torch.zeros(self.classes)
            if isinstance(output, nn.Linear):
                weight, bias = output.weight.data, output.bias.data
            folded = nn.Linear(weight.shape[1], weight.shape[0])
            folded.weight.copy_(weight / self.temperature)
            folded.bias.copy_(bias / self.temperature)
        return folded.requires_grad_(False)


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Classifier:
    """Create the classifier of a run, with random weights."""
    section, classes = config.section, len(config.section.labels)
    classifier: Classifier
    if section.head == "published":
        classifier = PublishedClassifier(encoder.published_head(classes), encoder.grid_size, classes)
    else:
        classifier = LinearClassifier(encoder.channels, classes, dropout=section.dropout)
    if section.auxiliary:
        classifier.auxiliary = encoder.auxiliary_heads(classes)
    if section.localise:
        classifier.localiser = Localiser(encoder.channels, encoder.grid_size, dropout=section.dropout)
    return classifier
