"""The optimisers of NeuralTalk2's training script and their successors, made by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim import Optimizer

from seetell.errors import RecipeError, unknown


@dataclass(frozen=True)
class OptimiserConfig:
    """How gradients become updates.

    Attributes:
        name: ``sgd``, ``momentum``, ``nesterov``, ``adagrad``, ``rmsprop``, ``adadelta``, ``adam`` or ``adamw``.
        learning_rate: before the schedule.
        alpha: momentum; the decay of rmsprop's and adadelta's averages; Adam's first moment.
        beta: Adam's second moment.
        epsilon: added to denominators.
        weight_decay: L2, added to the gradient; decoupled for ``adamw``.
        clip: bound on the gradient; 0 leaves it.
        clip_kind: ``value`` bounds each element as NeuralTalk2 did, ``norm`` the length of the whole gradient.
    """

    name: str = "adam"
    learning_rate: float = 4e-4
    alpha: float = 0.8
    beta: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip: float = 0.1
    clip_kind: Literal["value", "norm"] = "value"

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise RecipeError(f"optimiser.name: {unknown('optimiser', self.name, OPTIMISERS)}")
        for field in ("learning_rate", "epsilon"):
            if getattr(self, field) <= 0:
                raise RecipeError(f"optimiser.{field}: expected a positive number, got {getattr(self, field)}")
        for field in ("alpha", "beta"):
            if not 0 <= getattr(self, field) < 1:
                raise RecipeError(f"optimiser.{field}: expected 0 to below 1, got {getattr(self, field)}")
        for field in ("weight_decay", "clip"):
            if getattr(self, field) < 0:
                raise RecipeError(f"optimiser.{field}: expected 0 or more, got {getattr(self, field)}")


Parameters = Iterable[nn.Parameter]
OPTIMISERS: dict[str, Callable[[Parameters, OptimiserConfig], Optimizer]] = {
    "sgd": lambda p, c: torch.optim.SGD(p, c.learning_rate, weight_decay=c.weight_decay),
    "momentum": lambda p, c: torch.optim.SGD(p, c.learning_rate, momentum=c.alpha, weight_decay=c.weight_decay),
    "nesterov": lambda p, c: torch.optim.SGD(
        p, c.learning_rate, momentum=c.alpha, nesterov=True, weight_decay=c.weight_decay
    ),
    "adagrad": lambda p, c: torch.optim.Adagrad(p, c.learning_rate, weight_decay=c.weight_decay, eps=c.epsilon),
    "rmsprop": lambda p, c: torch.optim.RMSprop(
        p, c.learning_rate, alpha=c.alpha, eps=c.epsilon, weight_decay=c.weight_decay
    ),
    "adadelta": lambda p, c: torch.optim.Adadelta(
        p, c.learning_rate, rho=c.alpha, eps=c.epsilon, weight_decay=c.weight_decay
    ),
    "adam": lambda p, c: torch.optim.Adam(p, c.learning_rate, (c.alpha, c.beta), c.epsilon, c.weight_decay),
    "adamw": lambda p, c: torch.optim.AdamW(p, c.learning_rate, (c.alpha, c.beta), c.epsilon, c.weight_decay),
}


def create_optimiser(config: OptimiserConfig, parameters: Parameters) -> Optimizer:
    """Make the optimiser over the parameters that want a gradient."""
    return OPTIMISERS[config.name]([parameter for parameter in parameters if parameter.requires_grad], config)


def update(optimiser: Optimizer, config: OptimiserConfig, *, factor: float) -> None:
    """Clip the gradients at hand, then move the parameters.

    Args:
        optimiser: made from ``config``.
        config: states the clipping and the learning rate.
        factor: the schedule's multiple of the learning rate at this step.
    """
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    if config.clip and config.clip_kind == "value":
        nn.utils.clip_grad_value_(parameters, config.clip)
    elif config.clip:
        nn.utils.clip_grad_norm_(parameters, config.clip)
    for group in optimiser.param_groups:
        group["lr"] = config.learning_rate * factor
    optimiser.step()
