from __future__ import annotations

import math

import torch

from seetell.nn.attention import AdditiveAttention


def test_additive_attention_by_hand():
    """One unit, all weights 1, no bias: scores are tanh(a_i + h)."""
    attention = AdditiveAttention(1, 1, width=1)
    for name, value in attention.named_parameters():
        torch.nn.init.constant_(value, 0.0 if "bias" in name else 1.0)
    attended = torch.tensor([[[0.5], [-0.5]]])
    weights = attention(torch.tensor([[0.5]]), attention.keys(attended)).exp()
    first = math.exp(math.tanh(1.0))
    torch.testing.assert_close(weights, torch.tensor([[first, 1.0]]) / (first + 1))


def test_gradients_of_additive_attention():
    torch.manual_seed(0)
    attention = AdditiveAttention(3, 2, width=4).double()
    asking = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    attended = torch.randn(2, 5, 2, dtype=torch.double, requires_grad=True)
    parameters = tuple(attention.parameters())

    def weights(asking: torch.Tensor, attended: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return attention(asking, attention.keys(attended))

    assert torch.autograd.gradcheck(weights, (asking, attended, *parameters))
