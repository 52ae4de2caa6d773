from __future__ import annotations

import torch
from torch import nn

from seetell.nn.backbones import create_encoder
from seetell.nn.domain_adaptation.residual_adapter import ResidualAdapter


def test_it_is_the_identity_at_first_and_then_in_units_of_deviations():
    adapter, vectors = ResidualAdapter(3, 2), torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(adapter(vectors), vectors)
    nn.init.ones_(adapter.up.bias)
    adapter.norm.fit(vectors * torch.tensor([1.0, 10.0, 100.0]))
    torch.testing.assert_close(adapter(vectors), vectors + adapter.norm.deviation)


def test_its_gradient():
    torch.manual_seed(0)
    adapter = ResidualAdapter(3, 4).double()
    nn.init.normal_(adapter.up.weight)
    assert torch.autograd.gradcheck(adapter, torch.randn(2, 3, dtype=torch.float64, requires_grad=True))


def test_an_adapted_encoder_refines_vector_and_grid_and_trains_the_adapter_alone(small_encoder):
    plain = create_encoder(small_encoder["name"], weights=small_encoder["weights"])
    encoder = create_encoder(small_encoder["name"], weights=small_encoder["weights"], adapter=2)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, same = plain(images), encoder(images)
        assert torch.equal(before.pooled, same.pooled)
        nn.init.ones_(encoder.adapter.up.bias)
        after = encoder(images)
    torch.testing.assert_close(after.pooled, before.pooled + 1)
    torch.testing.assert_close(after.grid, before.grid + 1)
    assert {id(each) for each in encoder.trainable(frozen_stages=0)} == {
        id(each) for each in encoder.adapter.parameters()
    }
    assert (encoder.name, encoder.channels, encoder.grid_size) == (plain.name, plain.channels, plain.grid_size)
    assert encoder.unadapted.adapt(before) is before
