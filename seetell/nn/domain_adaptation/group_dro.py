"""Worst-group training: the groups of photos with the highest losses count most.

Sagawa et al., "Distributionally Robust Neural Networks for Group Shifts", ICLR 2020, algorithm 1: the weight q of a
group grows exponentially with its loss, and the model descends the losses so weighted. Departure, the one of the
authors' own code: a batch holds photos of several groups, and the weights of all of them are updated at once.

Where nobody says which groups there are, clusters of features stand for them (Sohoni et al., "No Subclass Left Behind",
NeurIPS 2020).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LLOYD_ITERATIONS = 50


class GroupWeights(nn.Module):
    """The weights of groups, which training changes; they are kept in checkpoints.

    Args:
        groups: ``G``, their number.
        step_size: η, how fast weights follow losses.
    """

    weights: Tensor

    def __init__(self, groups: int, *, step_size: float = 0.01) -> None:
        super().__init__()
        self.step_size = step_size
        self.register_buffer("weights", torch.full((groups,), 1 / groups))

    def forward(self, losses: Tensor, groups: Tensor) -> Tensor:
        """Update the weights, and return Σ_g q_g · (mean loss of the group g), a scalar.

        Args:
            losses: of photos or words, ``(N,)``.
            groups: theirs, ``(N,)`` int64; groups without any have a loss of 0 in this step.
        """
        means = group_means(losses, groups, len(self.weights))
        grown = self.weights * torch.exp(self.step_size * means.detach())
        self.weights.copy_(grown / grown.sum())
        return (self.weights * means).sum()


def group_means(losses: Tensor, groups: Tensor, count: int) -> Tensor:
    """Return the mean loss of each of ``count`` groups, ``(G,)``; 0 for one without any.

    Args:
        losses: ``(N,)``.
        groups: ``(N,)`` int64.
        count: ``G``.
    """
    sums = torch.zeros(count, dtype=losses.dtype, device=losses.device).index_add(0, groups, losses)
    return sums / torch.bincount(groups, minlength=count).clamp(min=1)


def clusters(vectors: Tensor, count: int, *, seed: int) -> Tensor:
    """Divide vectors into groups by k-means (Lloyd, 1982), begun as k-means++ (Arthur & Vassilvitskii, 2007).

    Args:
        vectors: ``(N, D)``.
        count: groups wanted, at most ``N``.
        seed: of the beginning.

    Returns:
        The group of each, ``(N,)`` int64.
    """
    random = torch.Generator().manual_seed(seed)
    centres = vectors[torch.randint(len(vectors), (1,), generator=random)]
    while len(centres) < count:
        squares = torch.cdist(vectors, centres).amin(dim=1).square().cpu() + 1e-12
        centres = torch.cat([centres, vectors[torch.multinomial(squares, 1, generator=random)]])
    nearest = torch.cdist(vectors, centres).argmin(dim=1)
    for _ in range(LLOYD_ITERATIONS):
        sums = torch.zeros_like(centres).index_add(0, nearest, vectors)
        members = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(members > 0, sums / members.clamp(min=1), centres)
        moved = torch.cdist(vectors, centres).argmin(dim=1)
        if torch.equal(moved, nearest):
            break
        nearest = moved
    return nearest
