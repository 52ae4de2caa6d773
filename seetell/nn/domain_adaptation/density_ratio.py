"""Instance weighting: source photos count as much as they look like target photos.

Bickel, Brückner & Scheffer, "Discriminative Learning for Differing Training and Test Distributions", ICML 2007: a
classifier of the domain estimates the density ratio p_target(x) / p_source(x), by which the loss of a source photo is
weighted so that its expectation is that of the target (Shimodaira, "Improving Predictive Inference under Covariate
Shift", 2000). Departure: the classifier is fitted before training, not with the model.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

ITERATIONS = 100


def density_ratio(source: Tensor, target: Tensor, *, decay: float = 0.01) -> Tensor:
    """Estimate p_target / p_source at source vectors by logistic regression.

    Args:
        source: ``(N, D)``.
        target: ``(M, D)``.
        decay: λ of the penalty λ/2·‖w‖² on the weights of the standardised features, beside the mean loss of a vector.
            The more features, the easier domains are told apart, and the fewer photos get all the weight: a stronger
            penalty evens the ratios out.

    Returns:
        ``(N,)`` float32, above 0, with the mean 1.
    """
    vectors = torch.cat([source, target]).double()
    deviation, mean = torch.std_mean(vectors, dim=0, correction=0)
    vectors = (vectors - mean) / deviation.clamp(min=1e-6 * float(deviation.max()) + 1e-12)
    labels = torch.cat([torch.zeros(len(source)), torch.ones(len(target))]).double()
    prior = len(target) / len(vectors)
    counts = torch.where(labels == 1, 0.5 / prior, 0.5 / (1 - prior))  # each domain counts half
    weight = torch.zeros(vectors.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimiser.zero_grad()
        losses = F.binary_cross_entropy_with_logits(vectors @ weight + bias, labels, counts)
        loss = losses + decay / 2 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(objective)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        ratio = torch.softmax(vectors[: len(source)] @ weight, dim=0) * len(source)
    return ratio.float()


def flattened(ratio: Tensor, exponent: float) -> Tensor:
    """Return ratios ``(N,)`` to a power, with the mean 1: 0 weights all alike, 1 leaves them (Shimodaira, 2000)."""
    weights = ratio**exponent
    return weights / weights.mean()


def effective_sample_size(weights: Tensor) -> float:
    """Return (Σw)² / Σw²: how many photos of equal weight would give means as certain (Kish, 1965)."""
    return (weights.sum().square() / weights.square().sum()).item()
