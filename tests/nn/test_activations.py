from __future__ import annotations

import pytest
import torch
from torch import nn

from seetell.errors import RecipeError
from seetell.nn.activations import ACTIVATIONS, Maxout, activation, pieces
from seetell.nn.initialisation import INITIALISATIONS, initialise
from seetell.nn.local_response_norm import LocalResponseNorm


def test_maxout_takes_the_greatest_of_neighbouring_channels():
    inputs = torch.tensor([1.0, 4, -3, -5]).reshape(1, 4, 1, 1)
    assert Maxout(2)(inputs).flatten().tolist() == [4, -3]
    assert Maxout(4)(inputs).flatten().tolist() == [4]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_make_the_channels_they_are_asked_for(name):
    inputs = torch.linspace(-2, 2, 6 * pieces(name)).reshape(1, -1, 1, 1)
    assert activation(name, 6)(inputs).shape == (1, 6, 1, 1)


def test_unknown_names_are_refused():
    with pytest.raises(RecipeError, match="unknown activation 'gelu'"):
        activation("gelu", 4)
    with pytest.raises(RecipeError, match="unknown initialisation 'ones'"):
        initialise(nn.Linear(2, 2), "ones")


@pytest.mark.parametrize(("name", "deviation"), [("gaussian", 0.01), ("he", (2 / 256) ** 0.5), ("zero", 0)])
def test_weights_begin_with_the_deviation_of_their_initialisation(name, deviation):
    torch.manual_seed(0)
    layer = nn.Linear(256, 64)
    initialise(layer, name)
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.05)
    assert layer.bias.abs().max() == 0
    assert name in INITIALISATIONS


def test_responses_are_normalised_by_the_papers_equation():
    torch.manual_seed(0)
    inputs = torch.randn(2, 9, 3, 3, dtype=torch.double) * 50
    expected = torch.empty_like(inputs)
    for channel in range(9):
        first, last = max(0, channel - 2), min(9, channel + 3)
        total = inputs[:, first:last].square().sum(dim=1)
        expected[:, channel] = inputs[:, channel] / (2 + 1e-4 * total) ** 0.75
    torch.testing.assert_close(LocalResponseNorm()(inputs), expected)
    halves = inputs.to(torch.bfloat16)
    assert torch.equal(LocalResponseNorm()(halves), LocalResponseNorm()(halves.float()).to(torch.bfloat16))
