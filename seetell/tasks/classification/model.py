"""A linear classifier on an encoder's pooled vector, with calibrated probabilities.

After training, logits are divided by a temperature that is fitted to validation images (Guo et al., "On Calibration of
Modern Neural Networks", ICML 2017, section 4.2): of images labelled with a probability of 0.8, 80 % should be right.
Departure: a normal prior on the temperature's logarithm, so that a handful of images does not decide it.


Classifiers on the features of an encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.nn.standardisation import Standardise

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

LOG_TEMPERATURES = torch.linspace(-2, 2, 401)
PRIOR_DEVIATION = 0.5
"""Of the temperature's logarithm: about as far as networks with label smoothing are from 0."""


class LinearClassifier(nn.Module):
    """Standardised features, dropout, and one logit per class.

    Args:
        feature_size: ``D``, length of the encoder's pooled vector.
        classes: ``K``, number of classes.
        dropout: probability of zeroing a feature in training.
    """

    temperature: Tensor

    def __init__(self, feature_size: int, classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = Standardise(feature_size)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(feature_size, classes)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, pooled: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of pooled vectors ``(B, D)``; outside training, calibrated ones."""
        logits: Tensor = self.linear(self.dropout(self.norm(pooled)))
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


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> LinearClassifier:
    """Create the classifier of a run, with random weights."""
    section = config.section
    return LinearClassifier(encoder.channels, len(section.labels), dropout=section.dropout)
