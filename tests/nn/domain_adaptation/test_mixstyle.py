from __future__ import annotations

import pytest
import torch

from seetell.nn.domain_adaptation.mixstyle import MixStyle, mix_styles


def statistics(activation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    deviation, mean = torch.std_mean(activation, dim=(2, 3), correction=0)
    return mean, deviation


def batch() -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    photos = torch.randn(3, 2, 4, 5, generator=random)
    return photos * torch.tensor([1.0, 2.0, 4.0])[:, None, None, None] + torch.arange(3.0)[:, None, None, None]


def test_means_and_deviations_are_mixed_and_the_rest_is_kept():
    photos, order, shares = batch(), torch.tensor([1, 2, 0]), torch.tensor([1.0, 0.25, 0.0])
    mixed = mix_styles(photos, order, shares)
    for own, others, found in zip(statistics(photos), statistics(photos[order]), statistics(mixed), strict=True):
        torch.testing.assert_close(found, shares[:, None] * own + (1 - shares)[:, None] * others, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mixed[0], photos[0], atol=1e-4, rtol=1e-4)
    content, kept = (
        (each - each.mean(dim=(2, 3), keepdim=True)) / each.std(dim=(2, 3), keepdim=True) for each in (photos, mixed)
    )
    torch.testing.assert_close(content, kept, atol=1e-4, rtol=1e-4)


def test_no_gradient_passes_through_statistics():
    photos = batch().double().requires_grad_()
    order, shares = torch.tensor([1, 2, 0]), torch.tensor([0.5, 0.25, 0.0])
    (gradient,) = torch.autograd.grad(mix_styles(photos, order, shares).sum(), photos)
    _, deviation = statistics(photos.detach())
    factor = (shares[:, None] * deviation + (1 - shares)[:, None] * deviation[order]) / deviation
    torch.testing.assert_close(gradient, factor[:, :, None, None].expand_as(gradient), atol=1e-5, rtol=1e-5)


def test_batches_are_mixed_while_training_with_the_probability():
    torch.manual_seed(0)
    photos, mix = batch(), MixStyle(probability=0.3, alpha=0.1)
    mixed = [mix(photos) is not photos for _ in range(300)]
    assert sum(mixed) / 300 == pytest.approx(0.3, abs=0.08)
    assert mix.eval()(photos) is photos
