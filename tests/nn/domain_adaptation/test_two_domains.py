"""Each method on a small problem of two domains, of the kind it was made for, beside training without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.nn.domain_adaptation.density_ratio import density_ratio
from seetell.nn.domain_adaptation.gradient_reversal import (
    DomainDiscriminator,
    domain_loss,
    reversal_strength,
    reverse_gradient,
)
from seetell.nn.domain_adaptation.group_dro import GroupWeights
from seetell.nn.domain_adaptation.kernel_mean_matching import kernel_mean_matching
from seetell.nn.domain_adaptation.mixstyle import MixStyle
from seetell.nn.domain_adaptation.mmd import squared_mmd
from seetell.nn.domain_adaptation.residual_adapter import ResidualAdapter

pytestmark = pytest.mark.slow

STEPS = 200


def fit(modules: list[nn.Module], loss: Callable[[int], Tensor], *, rate: float = 0.02) -> None:
    optimiser = torch.optim.Adam([each for module in modules for each in module.parameters()], lr=rate)
    for step in range(STEPS):
        optimiser.zero_grad()
        loss(step).backward()
        optimiser.step()


def accuracy(logits: Tensor, labels: Tensor) -> float:
    return ((logits.flatten() > 0).float() == labels).float().mean().item()


def shifted_feature(count: int, shift: float) -> tuple[Tensor, Tensor]:
    """Two features that tell the label; the second one is shifted in the target."""
    labels = (torch.rand(count) < 0.5).float()
    features = (2 * labels - 1)[:, None] + 0.6 * torch.randn(count, 2)
    return features + torch.tensor([0.0, shift]), labels


@pytest.fixture(scope="module")
def unaligned() -> float:
    return aligned_accuracy("none")


def aligned_accuracy(method: str) -> float:
    torch.manual_seed(0)
    (source, labels), (target, wanted) = shifted_feature(200, 0), shifted_feature(200, 3)
    features, classifier = nn.Sequential(nn.Linear(2, 8), nn.Tanh()), nn.Linear(8, 1)
    discriminator = DomainDiscriminator(8, hidden=16)

    def loss(step: int) -> Tensor:
        ours, theirs = features(source), features(target)
        loss = F.binary_cross_entropy_with_logits(classifier(ours)[:, 0], labels)
        if method == "mmd":
            return loss + 2 * squared_mmd(ours, theirs, [1.0, 4.0])
        if method == "gradient_reversal":
            strength = reversal_strength(step / STEPS)
            found = [discriminator(reverse_gradient(each, strength)) for each in (ours, theirs)]
            return loss + domain_loss(*found)
        return loss

    fit([features, classifier, discriminator], loss)
    return accuracy(classifier(features(target)), wanted)


@pytest.mark.parametrize("method", ["gradient_reversal", "mmd"])
def test_aligned_features_do_without_the_one_that_is_shifted(method, unaligned):
    assert unaligned < 0.75
    assert aligned_accuracy(method) > unaligned + 0.1


@pytest.mark.parametrize("weigh", [density_ratio, kernel_mean_matching])
def test_weights_choose_the_boundary_that_counts_in_the_target(weigh):
    """A line cannot be right on both sides of the source: below −0.5 and above 2 are of one class."""
    torch.manual_seed(0)
    source, target = torch.randn(600, 1) * 1.2, torch.randn(300, 1) * 0.5 + 2

    def label(features: Tensor) -> Tensor:
        return ((features < -0.5) | (features > 2)).float()[:, 0]

    found = []
    for weights in (torch.ones(600), weigh(source, target)):
        classifier = nn.Linear(1, 1)
        fit(
            [classifier],
            lambda step, c=classifier, w=weights: F.binary_cross_entropy_with_logits(c(source)[:, 0], label(source), w),
            rate=0.1,
        )
        found.append(accuracy(classifier(target), label(target)))
    assert found[0] < 0.6
    assert found[1] > 0.85


def test_mixed_styles_take_a_style_that_tells_the_label_away():
    """In the source bright pictures are of one class; in the target of the other. What is drawn tells it in both."""
    torch.manual_seed(0)

    def pictures(count: int, brightness: float) -> tuple[Tensor, Tensor]:
        labels = (torch.rand(count) < 0.5).float()
        signs = (2 * labels - 1)[:, None, None, None]
        drawn = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(2, 2)
        return brightness * signs + 0.5 * signs * drawn + torch.randn(count, 1, 4, 4), labels

    (source, labels), (target, wanted) = pictures(200, 1.0), pictures(200, -1.0)
    found = []
    for probability in (0.0, 1.0):
        classifier, mix = nn.Linear(16, 1), MixStyle(probability=probability, alpha=0.1)
        fit(
            [classifier],
            lambda step, c=classifier, m=mix: F.binary_cross_entropy_with_logits(c(m(source).flatten(1))[:, 0], labels),
        )
        found.append(accuracy(classifier(target.flatten(1)), wanted))
    assert found[1] > found[0] + 0.2


def test_the_worst_group_gets_better():
    """The second feature agrees with the label in nineteen of twenty photos of the source, in half of the target."""
    torch.manual_seed(0)

    def photos(count: int, agreeing: float) -> tuple[Tensor, Tensor, Tensor]:
        labels, agrees = (torch.rand(count) < 0.5).float(), torch.rand(count) < agreeing
        signs = 2 * labels - 1
        features = torch.stack([signs, torch.where(agrees, signs, -signs)], dim=1)
        return features + torch.tensor([0.9, 0.3]) * torch.randn(count, 2), labels, (~agrees).long()

    (source, labels, groups), (target, wanted, _) = photos(600, 0.95), photos(600, 0.5)
    found = []
    for objective in (None, GroupWeights(2, step_size=0.1)):
        classifier = nn.Linear(2, 1)

        def loss(step: int, classifier=classifier, objective=objective) -> Tensor:
            losses = F.binary_cross_entropy_with_logits(classifier(source)[:, 0], labels, reduction="none")
            return losses.mean() if objective is None else objective(losses, groups)

        fit([classifier], loss, rate=0.05)
        found.append(accuracy(classifier(target), wanted))
    assert found[1] > found[0] + 0.1


def test_an_adapter_learns_from_few_labels_what_the_frozen_model_needs():
    torch.manual_seed(0)
    (source, labels), (target, wanted) = shifted_feature(200, 0), shifted_feature(200, 4)
    classifier, adapter = nn.Linear(2, 1), ResidualAdapter(2, 4)
    fit([classifier], lambda step: F.binary_cross_entropy_with_logits(classifier(source)[:, 0], labels))
    before = accuracy(classifier(target), wanted)
    classifier.requires_grad_(False)
    few = slice(0, 20)
    adapter.norm.fit(target[few])
    fit([adapter], lambda step: F.binary_cross_entropy_with_logits(classifier(adapter(target[few]))[:, 0], wanted[few]))
    assert accuracy(classifier(adapter(target[20:])), wanted[20:]) > before + 0.2
