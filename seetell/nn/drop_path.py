"""Layers and paths that are left out at random while training: stochastic depth and FractalNet's drop-path.

What is left out is not computed. All choices are of a whole batch, and are drawn from torch's generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """A residual branch that is there with a probability; outside training it is scaled by it.

    Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016, equations 2 and 5.

    Args:
        branch: ``(B, C, H, W)`` → ``(B, C', H', W')``.
        survival: ``p``, the probability that it is there.
    """

    def __init__(self, branch: nn.Module, survival: float) -> None:
        super().__init__()
        self.branch, self.survival = branch, survival

    def forward(self, inputs: Tensor) -> Tensor | None:
        """Return what the branch adds, or nothing."""
        if not self.training:
            return self.survival * self.branch(inputs)  # type: ignore[no-any-return]
        return self.branch(inputs) if torch.rand(()).item() < self.survival else None


def linear_survival(last: float, blocks: int) -> list[float]:
    """Return the probabilities of the blocks: from nearly 1 of the first down to ``last``, linearly (equation 4)."""
    return [1 - block / blocks * (1 - last) for block in range(1, blocks + 1)]


class PathChoice:
    """Which inputs of a join are kept.

    Larsson et al., "FractalNet: Ultra-Deep Neural Networks without Residuals", ICLR 2017, section 3: in every other
    batch a single column of the whole network is left (global); in the others each join drops each of its inputs with
    a probability, but never all of them (local).

    Args:
        columns: of the network.
        probability: with which a join drops an input; 0 keeps all, in all batches.
    """

    def __init__(self, columns: int, probability: float) -> None:
        self.columns, self.probability = columns, probability
        self._column: int | None = None
        self._dropping = False

    def begin(self, training: bool) -> None:
        """Choose for a batch between local and global, and the column."""
        self._dropping, self._column = training and self.probability > 0, None
        if self._dropping and torch.rand(()).item() < 0.5:
            self._column = int(torch.randint(self.columns, ()))

    def kept(self, level: int) -> list[bool]:
        """Choose at a join of the columns from ``level`` on; the first of all columns is the shallowest."""
        inputs = self.columns - level
        if not self._dropping:
            return [True] * inputs
        if self._column is not None:
            return [level + number == self._column for number in range(inputs)]
        kept = torch.rand(inputs) >= self.probability
        if not kept.any():
            kept[int(torch.randint(inputs, ()))] = True
        return [bool(keep) for keep in kept]


def join(paths: Sequence[Tensor]) -> Tensor:
    """Return the mean of the paths that were kept, each ``(B, C, H, W)``."""
    return torch.stack(list(paths)).mean(dim=0) if len(paths) > 1 else paths[0]
