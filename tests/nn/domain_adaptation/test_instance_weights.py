from __future__ import annotations

import pytest
import torch

from seetell.nn.domain_adaptation.density_ratio import density_ratio, effective_sample_size, flattened
from seetell.nn.domain_adaptation.kernel_mean_matching import kernel_mean_matching, with_mean_one


def shifted(count: int, shift: float, *, seed: int) -> torch.Tensor:
    return torch.randn(count, 1, generator=torch.Generator().manual_seed(seed)) + shift


def test_the_ratio_of_two_normal_distributions():
    """N(1, 1) over N(0, 1) is exp(x − 1/2)."""
    source, target = shifted(2000, 0, seed=0), shifted(2000, 1, seed=1)
    ratio = density_ratio(source, target, decay=1e-6)
    expected = torch.exp(source[:, 0] - 0.5)
    assert ratio.mean().item() == pytest.approx(1, abs=1e-5)
    assert (ratio.log() - expected.log()).std().item() < 0.15
    assert (ratio * source[:, 0]).mean().item() == pytest.approx(1, abs=0.15)  # the target's mean


def test_domains_of_other_sizes_have_the_same_ratio():
    source, target = shifted(400, 0, seed=0), shifted(400, 1, seed=1)
    alone = density_ratio(source, target, decay=1e-4)
    repeated = density_ratio(source, target.repeat(5, 1), decay=1e-4)
    torch.testing.assert_close(alone, repeated, atol=0.05, rtol=0.05)


def test_a_penalty_and_an_exponent_even_weights_out():
    source, target = shifted(200, 0, seed=0), shifted(200, 2, seed=1)
    free, tied = (effective_sample_size(density_ratio(source, target, decay=decay)) for decay in (1e-6, 1.0))
    assert free < tied <= 200
    ratio = density_ratio(source, target)
    assert flattened(ratio, 0).tolist() == pytest.approx([1] * 200)
    torch.testing.assert_close(flattened(ratio, 1), ratio)
    assert effective_sample_size(flattened(ratio, 0.5)) > effective_sample_size(ratio)


def test_the_effective_size():
    assert effective_sample_size(torch.ones(5)) == 5
    assert effective_sample_size(torch.tensor([0.0, 3.0])) == 1
    assert effective_sample_size(torch.tensor([1.0, 3.0])) == pytest.approx(16 / 10)


@pytest.mark.slow
def test_matched_means():
    source, target = shifted(300, 0, seed=0), shifted(300, 1, seed=1)
    weights = kernel_mean_matching(source, target, bound=20)
    assert weights.mean().item() == pytest.approx(1, abs=1e-4)
    assert 0 <= weights.min() <= weights.max() <= 20
    assert (weights * source[:, 0]).mean().item() == pytest.approx(1, abs=0.25)
    bounded = kernel_mean_matching(source, target, bound=1.5)
    assert bounded.max().item() == pytest.approx(1.5)
    assert bounded.mean().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
def test_photos_of_the_target_itself_keep_their_weight():
    source = shifted(60, 0, seed=0)
    assert kernel_mean_matching(source, source).tolist() == pytest.approx([1] * 60, abs=0.05)


def test_the_projection():
    assert with_mean_one(torch.tensor([0.0, 2.0]), 10).tolist() == pytest.approx([0, 2], abs=1e-5)
    assert with_mean_one(torch.tensor([3.0, 5.0]), 10).tolist() == pytest.approx([0, 2], abs=1e-5)
    assert with_mean_one(torch.tensor([0.0, 9.0]), 1.5).tolist() == pytest.approx([0.5, 1.5], abs=1e-5)
