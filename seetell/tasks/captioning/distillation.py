"""Distillation: learning from what earlier captioners would have said, beside what people said.

Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015. The teachers look at the same
photos, mirrored alike, and read the same words; their probabilities of the next word, softened by a temperature
(equation 1), are averaged arithmetically. One captioner then learns what several know together, and is as fast as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder, weights_hash
from seetell.tasks.captioning.models import Captioner, SoftTargets
from seetell.training.batches import Draw
from seetell.training.features import CachedFeatures, PixelFeatures


@dataclass(frozen=True)
class DistillationConfig:
    """Earlier models to learn from, until rewards are learnt from.

    Attributes:
        teachers: the folders of runs or bundles; on the command line also the names of bundled models. Their words
            must be those of this run. They see whole photos, also where this run crops.
        weight: share of the loss that is learning from the teachers; the rest is learning from people's captions.
        temperature: softens the teachers' probabilities and the learner's; above 1, improbable words tell more.
    """

    teachers: tuple[str, ...] = ()
    weight: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise RecipeError(f"distillation.weight: expected a share above 0 and up to 1, got {self.weight}")
        if not self.temperature > 0:
            raise RecipeError(f"distillation.temperature: expected more than 0, got {self.temperature}")


@dataclass(frozen=True)
class Teacher:
    """An earlier model, in evaluation mode.

    Attributes:
        captioner: says what it would have said.
        encoder: its own.
        source: that encoder's features of the training photos.
    """

    captioner: Captioner
    encoder: Encoder
    source: CachedFeatures | PixelFeatures


class Teachers:
    """An ensemble to learn from.

    Args:
        config: how much it counts.
        teachers: one or more, on the device of the learner.

    Attributes:
        hash: SHA-256 over the weights of all teachers in their order.
    """

    def __init__(self, config: DistillationConfig, teachers: Sequence[Teacher]) -> None:
        self._config, self._teachers = config, teachers
        modules = [module for teacher in teachers for module in (teacher.captioner, teacher.encoder)]
        self.hash = hashlib.sha256("".join(weights_hash(module) for module in modules).encode()).hexdigest()

    def prepare(self, drawn: Draw) -> tuple[Tensor, ...]:
        """Gather what each teacher needs of a training batch's photos."""
        return tuple(teacher.source.prepare(drawn) for teacher in self._teachers)

    @torch.no_grad()
    def soft_targets(self, prepared: Sequence[Tensor], inputs: Tensor, targets: Tensor) -> SoftTargets:
        """Ask the teachers for the next word at every real position, in 32 bits whatever the learner's precision.

        Args:
            prepared: what :meth:`prepare` gave.
            inputs: ``(B, C, T)`` START and words.
            targets: ``(B, C, T)`` words and END, ``IGNORE_INDEX`` in padding.
        """
        temperature, device = self._config.temperature, inputs.device
        said = []
        with torch.autocast(device.type, enabled=False):
            for teacher, batch in zip(self._teachers, prepared, strict=True):
                logits = teacher.captioner(teacher.source.features(batch.to(device)), inputs, targets)
                said.append(torch.softmax(logits / temperature, dim=1))  # (M, V)
        return SoftTargets(torch.stack(said).mean(dim=0), self._config.weight, temperature)
