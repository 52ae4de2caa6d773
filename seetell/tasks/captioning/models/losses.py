"""Cross-entropy of captions: with the reference captions' words, and with soft targets of teacher models."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class SoftTargets(NamedTuple):
    """Teachers' predictions at ``M`` positions, and their weight in the loss.

    Attributes:
        probabilities: softened by the temperature, ``(M, V)``.
        weight: share of the loss on soft targets; the rest is on the reference captions' words.
        temperature: by which the student's logits are divided, as the teachers' were.
    """

    probabilities: Tensor
    weight: float
    temperature: float


def token_cross_entropy(
    logits: Tensor, words: Tensor, *, label_smoothing: float, soft_targets: SoftTargets | None = None
) -> Tensor:
    """Return the mean cross-entropy per word, in nats.

    With soft targets it is (1 − w)·CE(words) + w·T²·CE(teachers): Hinton, Vinyals & Dean, "Distilling the Knowledge in
    a Neural Network", 2015, section 2, where T² keeps the size of the gradient whatever the temperature. This
    cross-entropy has the gradient of KL(teachers ‖ student), and falls to the teachers' entropy where that falls to 0.

    Args:
        logits: ``(M, V)``.
        words: of the reference captions, ``(M,)`` int64.
        label_smoothing: share of the target probability spread over all words; of the reference words alone.
        soft_targets: of teachers.
    """
    hard_loss = F.cross_entropy(logits, words, label_smoothing=label_smoothing)
    if soft_targets is None:
        return hard_loss
    temperature = soft_targets.temperature
    soft_loss = temperature**2 * F.cross_entropy(logits / temperature, soft_targets.probabilities)
    return (1 - soft_targets.weight) * hard_loss + soft_targets.weight * soft_loss
