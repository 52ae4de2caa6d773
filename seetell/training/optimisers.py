"""The optimisers of NeuralTalk2's training script and their successors, by name, and the learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from seetell.config import check_fractions, check_not_negative, check_parts, check_positive, check_sizes
from seetell.errors import RecipeError, unknown


@dataclass(frozen=True)
class OptimiserConfig:
    """How gradients become updates.

    Attributes:
        name: ``sgd``, ``momentum``, ``nesterov``, ``adagrad``, ``rmsprop``, ``adadelta``, ``adam`` or ``adamw``.
        learning_rate: before the schedule.
        momentum: read by ``momentum`` and ``nesterov``.
        rho: decay of the average of squared gradients; read by ``rmsprop`` and ``adadelta``.
        betas: decay of the averages of gradients and of squared gradients; read by ``adam`` and ``adamw``.
        epsilon: added to denominators; not read by ``sgd``, ``momentum`` and ``nesterov``.
        weight_decay: L2, added to the gradient; decoupled for ``adamw``.
        clip: bound on the gradient; 0 does not clip.
        clip_kind: ``value`` clips each element as NeuralTalk2 did, ``norm`` the norm of the whole gradient.
    """

    name: str = "adam"
    learning_rate: float = 4e-4
    momentum: float = 0.8
    rho: float = 0.8
    betas: tuple[float, float] = (0.8, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip: float = 0.1
    clip_kind: Literal["value", "norm"] = "value"

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise RecipeError(f"name: {unknown('optimiser', self.name, OPTIMISERS)}")
        check_positive(self, "learning_rate", "epsilon")
        check_fractions(self, "momentum", "rho")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise RecipeError(f"betas: expected two numbers from 0 to below 1, got {list(self.betas)}")
        check_not_negative(self, "weight_decay", "clip")


Parameters = Iterable[nn.Parameter]
OPTIMISERS: dict[str, Callable[[Parameters, OptimiserConfig], Optimizer]] = {
    "sgd": lambda p, c: torch.optim.SGD(p, c.learning_rate, weight_decay=c.weight_decay),
    "momentum": lambda p, c: torch.optim.SGD(p, c.learning_rate, momentum=c.momentum, weight_decay=c.weight_decay),
    "nesterov": lambda p, c: torch.optim.SGD(
        p, c.learning_rate, momentum=c.momentum, nesterov=True, weight_decay=c.weight_decay
    ),
    "adagrad": lambda p, c: torch.optim.Adagrad(p, c.learning_rate, weight_decay=c.weight_decay, eps=c.epsilon),
    "rmsprop": lambda p, c: torch.optim.RMSprop(
        p, c.learning_rate, alpha=c.rho, eps=c.epsilon, weight_decay=c.weight_decay
    ),
    "adadelta": lambda p, c: torch.optim.Adadelta(
        p, c.learning_rate, rho=c.rho, eps=c.epsilon, weight_decay=c.weight_decay
    ),
    "adam": lambda p, c: torch.optim.Adam(p, c.learning_rate, c.betas, c.epsilon, c.weight_decay),
    "adamw": lambda p, c: torch.optim.AdamW(p, c.learning_rate, c.betas, c.epsilon, c.weight_decay),
}


def create_optimiser(config: OptimiserConfig, parameters: Parameters) -> Optimizer:
    """Create the optimiser of the parameters that require a gradient."""
    return OPTIMISERS[config.name]([parameter for parameter in parameters if parameter.requires_grad], config)


def clip_and_step(
    optimiser: Optimizer, config: OptimiserConfig, scaler: torch.amp.GradScaler, *, factor: float
) -> None:
    """Clip the gradients, then step.

    Args:
        optimiser: created from ``config``.
        config: the clipping and the learning rate.
        scaler: of the loss; a step whose gradients it made overflow is left out.
        factor: of the learning rate at this step, by the schedule.
    """
    scaler.unscale_(optimiser)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    if config.clip and config.clip_kind == "value":
        nn.utils.clip_grad_value_(parameters, config.clip)
    elif config.clip:
        nn.utils.clip_grad_norm_(parameters, config.clip)
    for group in optimiser.param_groups:
        group["lr"] = config.learning_rate * factor
    scaler.step(optimiser)


@dataclass(frozen=True)
class ScheduleConfig:
    """Warm-up and decay, as a factor on the learning rates.

    Attributes:
        warmup: steps over which the rate rises linearly from zero.
        decay: ``none``; ``exponential``, NeuralTalk2's smooth 0.5^((step − start) / every); ``cosine`` to zero at the
            last step; ``linear`` down to ``decay_factor``; ``steps``, times ``decay_factor`` at each step of
            ``decay_at``; or ``plateau``, times ``decay_factor`` whenever validations no longer improve.
        decay_start: the step at which ``exponential`` and ``linear`` begin.
        decay_every: steps in which ``exponential`` halves the rate once, or that ``linear`` takes in all.
        decay_at: the steps of ``steps``.
        decay_factor: see ``decay``.
        decay_patience: validations in a row without an improvement that make a ``plateau``.
    """

    warmup: int = 0
    decay: Literal["none", "exponential", "cosine", "linear", "steps", "plateau"] = "none"
    decay_start: int = 0
    decay_every: int = 50000
    decay_at: tuple[int, ...] = ()
    decay_factor: float = 0.1
    decay_patience: int = 5

    def __post_init__(self) -> None:
        check_not_negative(self, "warmup", "decay_start")
        check_sizes(self, "decay_every", "decay_patience")
        check_parts(self, "decay_factor")
        if list(self.decay_at) != sorted(set(self.decay_at)) or (self.decay == "steps") != bool(self.decay_at):
            raise RecipeError(
                f"decay_at: expected steps in their order for the decay 'steps', and none otherwise, got "
                f"{list(self.decay_at)} for {self.decay!r}"
            )


class Plateau(nn.Module):
    """Counts validations without an improvement; its buffers are kept in checkpoints.

    Args:
        patience: how many in a row make a plateau.
    """

    best: Tensor
    waited: Tensor
    reached: Tensor

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.register_buffer("best", torch.tensor(-math.inf, dtype=torch.float64))
        self.register_buffer("waited", torch.tensor(0))
        self.register_buffer("reached", torch.tensor(0))  # plateaus so far

    def observe(self, score: float) -> None:
        """Take note of a validation's score; higher is better."""
        improved = score > self.best.item()
        self.best.fill_(max(score, self.best.item()))
        self.waited.fill_(0 if improved else self.waited.item() + 1)
        if self.waited.item() == self.patience:
            self.waited.zero_()
            self.reached.add_(1)


def learning_rate_factor(config: ScheduleConfig, step: int, *, steps: int, plateaus: int = 0) -> float:
    """Return the factor on the learning rate at a step.

    Args:
        config: the schedule.
        step: counted from 0.
        steps: of the whole run; read by ``cosine`` alone.
        plateaus: that were reached so far; read by ``plateau`` alone.
    """
    warm = min(1.0, (step + 1) / (config.warmup + 1))
    if config.decay == "linear":
        done = min(max(step - config.decay_start, 0) / config.decay_every, 1)
        return warm * (1 - done * (1 - config.decay_factor))
    if config.decay in ("steps", "plateau"):
        drops = plateaus if config.decay == "plateau" else sum(step >= place for place in config.decay_at)
        return float(warm * config.decay_factor**drops)
    if config.decay == "exponential" and step > config.decay_start:
        return float(warm * 0.5 ** ((step - config.decay_start) / config.decay_every))
    if config.decay == "cosine":
        progress = max(0, step - config.warmup) / max(1, steps - config.warmup)
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warm
