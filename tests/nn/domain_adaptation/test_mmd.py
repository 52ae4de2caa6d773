from __future__ import annotations

import math

import pytest
import torch

from seetell.nn.domain_adaptation.mmd import gaussian_kernel, median_squared_distance, squared_mmd

BANDWIDTHS = (0.5, 2.0)


def kernel(first: torch.Tensor, second: torch.Tensor) -> float:
    square = sum((a - b) ** 2 for a, b in zip(first.tolist(), second.tolist(), strict=True))
    return sum(math.exp(-square / bandwidth) for bandwidth in BANDWIDTHS) / len(BANDWIDTHS)


@pytest.mark.parametrize("unbiased", [False, True])
def test_it_is_the_definition(unbiased):
    torch.manual_seed(0)
    source, target = torch.randn(4, 3), torch.randn(3, 3) + 1

    def within(vectors: torch.Tensor) -> float:
        pairs = [(i, j) for i in range(len(vectors)) for j in range(len(vectors)) if i != j or not unbiased]
        return sum(kernel(vectors[i], vectors[j]) for i, j in pairs) / len(pairs)

    across = sum(kernel(s, t) for s in source for t in target) / 12
    expected = within(source) + within(target) - 2 * across
    assert squared_mmd(source, target, BANDWIDTHS, unbiased=unbiased).item() == pytest.approx(expected, abs=1e-6)


def test_equal_sets_have_none_and_others_some():
    vectors = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    shuffled = vectors[torch.tensor([3, 1, 5, 0, 2, 4])]
    assert squared_mmd(vectors, shuffled, BANDWIDTHS, unbiased=False).item() == pytest.approx(0, abs=1e-6)
    assert squared_mmd(vectors, vectors + 0.3, BANDWIDTHS, unbiased=False) > 0.01


@pytest.mark.slow
def test_sets_of_one_distribution_have_the_expectation_zero():
    random = torch.Generator().manual_seed(0)
    pairs = [torch.randn(2, 8, 2, generator=random) for _ in range(300)]
    unbiased = sum(squared_mmd(*pair, BANDWIDTHS).item() for pair in pairs) / 300
    biased = sum(squared_mmd(*pair, BANDWIDTHS, unbiased=False).item() for pair in pairs) / 300
    assert unbiased == pytest.approx(0, abs=0.01)
    assert biased > 0.1


def test_its_gradient():
    torch.manual_seed(0)
    source, target = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s, t: squared_mmd(s, t, BANDWIDTHS), (source, target))


def test_the_kernel_and_the_median_of_two_vectors():
    vectors = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert median_squared_distance(vectors) == 25
    assert gaussian_kernel(vectors, vectors, [25.0])[0].tolist() == pytest.approx([1, math.exp(-1)])
