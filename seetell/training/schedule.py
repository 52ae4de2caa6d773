"""The course of the learning rate over the steps of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from seetell.errors import RecipeError


@dataclass(frozen=True)
class ScheduleConfig:
    """Warm-up and decay, as a factor on the learning rates.

    Attributes:
        warmup: steps over which the rate rises linearly from zero.
        decay: ``none``; ``halving``, NeuralTalk2's smooth 0.5^((step − start) / every); or ``cosine`` to zero at the
            last step.
        decay_start: the step from which ``halving`` begins.
        decay_every: steps in which ``halving`` halves the rate once.
    """

    warmup: int = 0
    decay: Literal["none", "halving", "cosine"] = "none"
    decay_start: int = 0
    decay_every: int = 50000

    def __post_init__(self) -> None:
        if self.warmup < 0 or self.decay_start < 0:
            raise RecipeError("schedule: warmup and decay_start must not be negative")
        if self.decay_every < 1:
            raise RecipeError(f"schedule.decay_every: expected at least 1, got {self.decay_every}")

    def check_steps(self, steps: int) -> None:
        """Refuse a run without an end, -1 steps, whose rate should fall until there.

        Raises:
            RecipeError: it is one.
        """
        if self.decay == "cosine" and steps == -1:
            raise RecipeError("schedule.decay: cosine ends with the last step, so steps must be a number, not -1")


def learning_rate_factor(config: ScheduleConfig, step: int, *, steps: int) -> float:
    """Return the factor on the learning rate at a step.

    Args:
        config: the course.
        step: counted from 0.
        steps: of the whole run; only ``cosine`` looks at it.
    """
    warm = min(1.0, (step + 1) / (config.warmup + 1))
    if config.decay == "halving" and step > config.decay_start:
        return float(warm * 0.5 ** ((step - config.decay_start) / config.decay_every))
    if config.decay == "cosine":
        progress = max(0, step - config.warmup) / max(1, steps - config.warmup)
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warm
