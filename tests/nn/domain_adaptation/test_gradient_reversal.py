from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seetell.nn.domain_adaptation.gradient_reversal import (
    DomainDiscriminator,
    domain_loss,
    reversal_strength,
    reverse_gradient,
)


def test_features_pass_and_their_gradient_is_reversed():
    features = torch.tensor([[1.0, -2.0]], requires_grad=True)
    passed = reverse_gradient(features, 0.5)
    assert torch.equal(passed, features)
    (passed * torch.tensor([[3.0, 4.0]])).sum().backward()
    assert features.grad.tolist() == [[-1.5, -2.0]]


def test_the_gradient_is_that_of_differences_times_minus_the_strength():
    torch.manual_seed(0)
    features, discriminator = torch.randn(3, 4, dtype=torch.float64), DomainDiscriminator(4, hidden=5).double()

    def loss(vectors: torch.Tensor) -> torch.Tensor:
        return domain_loss(discriminator(vectors)[:2], discriminator(vectors)[2:])

    plain, reversed_ = features.clone().requires_grad_(), features.clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, plain)
    (expected,) = torch.autograd.grad(loss(plain), plain)
    (found,) = torch.autograd.grad(loss(reverse_gradient(reversed_, 0.3)), reversed_)
    torch.testing.assert_close(found, -0.3 * expected)


def test_the_strength_rises_from_nothing_to_nearly_one():
    assert reversal_strength(0) == 0
    assert reversal_strength(0.1) == pytest.approx(2 / (1 + math.exp(-1)) - 1)
    assert reversal_strength(1) == pytest.approx(0.9999, abs=1e-4)


def test_each_domain_counts_half():
    source, target = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([1.0])
    parts = [
        F.binary_cross_entropy_with_logits(source, torch.zeros(3)),
        F.binary_cross_entropy_with_logits(target, torch.ones(1)),
    ]
    assert domain_loss(source, target).item() == pytest.approx(sum(parts).item() / 2)
