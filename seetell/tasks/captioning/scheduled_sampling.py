"""Scheduled sampling: training on sentences that hold some of the captioner's own words.

Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", NIPS 2015. A captioner
learns from people's words, but at prediction reads its own; so more and more often it reads its own while training. The
words are drawn all at once from what a first pass over people's captions predicts (Mihaylova & Martins, "Scheduled
Sampling for Transformers", 2019), which serves every captioner alike and costs one pass more without gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seetell.errors import RecipeError
from seetell.language.vocabulary import END, START, UNK
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner


@dataclass(frozen=True)
class ScheduledSamplingConfig:
    """How often a word that the captioner reads is its own.

    Attributes:
        after: the step from which some are; -1 never.
        every: steps between increases.
        increase: added to the probability at ``after`` and then every ``every`` steps.
        most: the probability is not increased beyond this.
    """

    after: int = -1
    every: int = 1000
    increase: float = 0.05
    most: float = 0.25

    def __post_init__(self) -> None:
        if self.every < 1:
            raise RecipeError(f"scheduled_sampling.every: expected at least 1, got {self.every}")
        for name, value in {"increase": self.increase, "most": self.most}.items():
            if not 0 <= value <= 1:
                raise RecipeError(f"scheduled_sampling.{name}: expected a probability, got {value}")

    def probability(self, step: int) -> float:
        """Return how likely a word is replaced at a step, counted from 0."""
        if not 0 <= self.after <= step:
            return 0.0
        return min(self.most, self.increase * (1 + (step - self.after) // self.every))


def with_own_words(
    captioner: Captioner, features: Features, inputs: Tensor, targets: Tensor, *, probability: float
) -> Tensor:
    """Replace some of the words that a captioner will read by words it says itself there.

    Args:
        captioner: says them as it is, without dropout.
        features: of ``B`` photos.
        inputs: ``(B, C, T)`` START and words.
        targets: ``(B, C, T)`` words and END, ``IGNORE_INDEX`` in padding.
        probability: of each word to be replaced; START never is, and END and UNK never replace.

    Returns:
        The new inputs, ``(B, C, T)``.
    """
    training = captioner.training
    captioner.eval()
    with torch.no_grad():
        logits = captioner(features, inputs, targets)  # (M, V)
    captioner.train(training)
    logits[:, [END, START, UNK]] = -torch.inf
    said = torch.full_like(targets, IGNORE_INDEX)
    said[targets != IGNORE_INDEX] = torch.multinomial(torch.softmax(logits, dim=1), 1)[:, 0]
    said = torch.cat([inputs[..., :1], said[..., :-1]], dim=2)  # what was said at a place is read at the next
    replaced = torch.rand(inputs.shape, device=inputs.device) < probability
    replaced &= (targets != IGNORE_INDEX) & (said != IGNORE_INDEX)
    replaced[..., 0] = False
    return torch.where(replaced, said, inputs)
