"""Exponential moving average of the weights, which predicts better than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class ExponentialMovingAverage:
    """Average of parameters (Polyak & Juditsky, 1992), a ← d·a + (1 − d)·θ.

    In the first updates ``d`` is (1 + n) / (10 + n), so that initial weights soon stop counting.

    Args:
        modules: by name; all their parameters are averaged.
        decay: ``d``.
    """

    def __init__(self, modules: Mapping[str, nn.Module], *, decay: float) -> None:
        self._parameters = {
            f"{part}.{name}": parameter
            for part, module in modules.items()
            for name, parameter in module.named_parameters()
        }
        self._decay = decay
        self.updates = 0
        self.values = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}

    def update(self) -> None:
        """Include the current values; those of parameters that are not trained, at the first update only."""
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in self._parameters.items():
            if parameter.requires_grad:
                self.values[name].lerp_(parameter.detach(), 1 - decay)
            elif not self.updates:
                self.values[name].copy_(parameter.detach())
        self.updates += 1

    def restore(self, values: Mapping[str, Tensor], *, updates: int) -> None:
        """Continue from a saved average."""
        self.updates = updates
        for name, value in values.items():
            self.values[name].copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Replace the parameters by their averages within a ``with`` block."""
        present = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self.apply()
        try:
            yield
        finally:
            self._put(present)

    def apply(self) -> None:
        """Replace the parameters by their averages."""
        self._put(self.values)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(values[name])
