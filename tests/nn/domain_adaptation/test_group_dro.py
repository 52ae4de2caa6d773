from __future__ import annotations

import math

import pytest
import torch

from seetell.nn.domain_adaptation.group_dro import GroupWeights, clusters, group_means


def test_weights_grow_with_losses():
    objective = GroupWeights(2, step_size=0.5)
    losses = torch.tensor([1.0, 3.0, 4.0], requires_grad=True)  # means 2 and 4
    loss = objective(losses, torch.tensor([0, 0, 1]))
    grown = [0.5 * math.exp(0.5 * 2), 0.5 * math.exp(0.5 * 4)]
    weights = [each / sum(grown) for each in grown]
    assert objective.weights.tolist() == pytest.approx(weights)
    assert loss.item() == pytest.approx(weights[0] * 2 + weights[1] * 4)
    loss.backward()
    assert losses.grad.tolist() == pytest.approx([weights[0] / 2, weights[0] / 2, weights[1]])


def test_a_group_without_photos_counts_nothing_and_does_not_grow():
    assert group_means(torch.tensor([2.0, 4.0]), torch.tensor([2, 2]), 3).tolist() == [0, 0, 3]
    objective = GroupWeights(3, step_size=1.0)
    objective(torch.tensor([2.0, 4.0]), torch.tensor([2, 2]))
    assert objective.weights[0] == objective.weights[1] < 1 / 3


def test_the_weights_are_saved():
    objective = GroupWeights(2)
    objective(torch.tensor([1.0, 9.0]), torch.tensor([0, 1]))
    again = GroupWeights(2)
    again.load_state_dict(objective.state_dict())
    assert torch.equal(again.weights, objective.weights)


def test_clusters_are_found():
    random = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    vectors = (centres[:, None] + torch.randn(3, 20, 2, generator=random)).flatten(0, 1)
    found = clusters(vectors, 3, seed=1).reshape(3, 20)
    assert all(len(row.unique()) == 1 for row in found)
    assert len(found[:, 0].unique()) == 3
    assert torch.equal(found.flatten(), clusters(vectors, 3, seed=1))
