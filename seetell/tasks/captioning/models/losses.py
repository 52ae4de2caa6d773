"""How surprised a captioner is by what it should have said: by people's words, and by what teachers would have said."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class SoftTargets(NamedTuple):
    """What teachers would have said at ``M`` positions, and how much it counts.

    Attributes:
        probabilities: softened by the temperature, ``(M, V)``.
        weight: share of the loss that is learning from them; the rest is learning from people's words.
        temperature: softens the learner's probabilities as it did theirs.
    """

    probabilities: Tensor
    weight: float
    temperature: float


def token_cross_entropy(
    logits: Tensor, said: Tensor, *, label_smoothing: float, soft_targets: SoftTargets | None = None
) -> Tensor:
    """Return the mean surprise at a word, in nats.

    With a soft_targets it is (1 − w)·CE(people) + w·T²·CE(teachers): Hinton, Vinyals & Dean, "Distilling the Knowledge in a
    Neural Network", 2015, section 2, where T² keeps the size of the gradient whatever the temperature. This
    cross-entropy has the gradient of KL(teachers ‖ learner), and falls to the teachers' entropy where that falls to 0.

    Args:
        logits: ``(M, V)``.
        said: people's words, ``(M,)``.
        label_smoothing: share of the target probability spread over all words; of people's words alone.
        soft_targets: of teachers.
    """
    at_people = F.cross_entropy(logits, said, label_smoothing=label_smoothing)
    if soft_targets is None:
        return at_people
    at_teachers = soft_targets.temperature**2 * F.cross_entropy(
        logits / soft_targets.temperature, soft_targets.probabilities
    )
    return (1 - soft_targets.weight) * at_people + soft_targets.weight * at_teachers
