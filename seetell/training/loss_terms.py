"""The loss of a batch that is computed in parts: means over photos, words or boxes, of which each part has some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seetell.training.processes import Processes


class Term(NamedTuple):
    """A mean over what a part of a batch contains, such as its words.

    A batch's mean is that of its parts, weighted by :attr:`items`; its loss is the weighted sum of its terms.

    Attributes:
        mean: a scalar.
        items: over how many the mean is taken.
        weight: in the loss; 0 for what is logged only.
        name: under which the mean is logged beside the loss; empty if it is not.
    """

    mean: Tensor | float
    items: int = 1
    weight: float = 1.0
    name: str = ""


class CombinedLoss(NamedTuple):
    """The loss of a batch.

    Attributes:
        share: of this process, whose gradients add up to those of the loss over all processes.
        value: of the whole batch.
        logged: the means of the terms with a name.
    """

    share: Tensor
    value: float
    logged: dict[str, float]


def combine_terms(parts: Sequence[Sequence[Term]], processes: Processes) -> CombinedLoss:
    """Combine the terms of the parts that each process has computed.

    Args:
        parts: the terms of each of this process's parts.
        processes: that share the parts of the batch.
    """
    counts = processes.sum([sum(term.items for term in terms) for terms in zip(*parts, strict=True)])
    shares = [(term, term.items / max(count, 1)) for terms in parts for term, count in zip(terms, counts, strict=True)]
    weighted = [term.weight * share * torch.as_tensor(term.mean) for term, share in shares if term.weight]
    loss = torch.stack(weighted).sum()
    named: dict[str, float] = {}
    for term, share in shares:
        if term.name:
            named[term.name] = named.get(term.name, 0.0) + share * torch.as_tensor(term.mean).item()
    value, *means = processes.sum([loss.item(), *named.values()])
    return CombinedLoss(loss, value, {name: round(mean, 5) for name, mean in zip(named, means, strict=True)})
