"""Learning-rate schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from seetell.config import check_not_negative, check_sizes


@dataclass(frozen=True)
class ScheduleConfig:
    """Warm-up and decay, as a factor on the learning rates.

    Attributes:
        warmup: steps over which the rate rises linearly from zero.
        decay: ``none``; ``exponential``, NeuralTalk2's smooth 0.5^((step − start) / every); or ``cosine`` to zero at
            the last step.
        decay_start: the step at which ``exponential`` begins.
        decay_every: steps in which ``exponential`` halves the rate once.
    """

    warmup: int = 0
    decay: Literal["none", "exponential", "cosine"] = "none"
    decay_start: int = 0
    decay_every: int = 50000

    def __post_init__(self) -> None:
        check_not_negative(self, "warmup", "decay_start")
        check_sizes(self, "decay_every")


def learning_rate_factor(config: ScheduleConfig, step: int, *, steps: int) -> float:
    """Return the factor on the learning rate at a step.

    Args:
        config: the schedule.
        step: counted from 0.
        steps: of the whole run; read by ``cosine`` alone.
    """
    warm = min(1.0, (step + 1) / (config.warmup + 1))
    if config.decay == "exponential" and step > config.decay_start:
        return float(warm * 0.5 ** ((step - config.decay_start) / config.decay_every))
    if config.decay == "cosine":
        progress = max(0, step - config.warmup) / max(1, steps - config.warmup)
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warm
