"""Methods that need gradients, against Captum and worked by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from seetell.errors import UsageError
from seetell.explain.grad_cam import grad_cam, layer_grad_cam
from seetell.explain.gradient_x_input import gradient_x_input
from seetell.explain.guided_backpropagation import guided_backpropagation, guided_gradients
from seetell.explain.integrated_gradients import integrated_gradients
from seetell.explain.network import ScoredNetwork, last_map_layer
from seetell.explain.saliency import saliency

TARGET = 2


@pytest.fixture(scope="module")
def network() -> ScoredNetwork:
    """A small network with rectifiers, of which one works in place, and pooling; its last map is 4×5."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(),
        )
        scores = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), nn.Tanh())
        image = torch.randn(1, 3, 8, 10)
    return ScoredNetwork(scores.eval().requires_grad_(False), image, 0.1 * torch.ones_like(image), features)


def captum(name: str, *given: object, **options: object) -> torch.Tensor:
    """Return what an explainer of Captum's finds, made of what is given before the image."""
    *network, image = given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that hooks are set, and gradients required
        from captum import attr

        explainer = getattr(attr, name)(*network)
        return explainer.attribute(image.clone().requires_grad_(), target=TARGET, **options).detach()


@pytest.mark.slow
def test_saliency_is_captums(network: ScoredNetwork):
    expected = captum("Saliency", network.scores, network.image).amax(dim=1)[0]
    assert np.allclose(saliency(network, TARGET), expected, atol=1e-5)


@pytest.mark.slow
def test_gradient_x_input_is_captums(network: ScoredNetwork):
    expected = captum("InputXGradient", network.scores, network.image).sum(dim=1)[0]
    assert np.allclose(gradient_x_input(network, TARGET), expected, atol=1e-5)


def test_integrated_gradients_are_captums_and_sum_to_the_difference_of_the_scores(network: ScoredNetwork):
    how = {"baselines": network.baseline, "n_steps": 32, "method": "gausslegendre"}
    expected = captum("IntegratedGradients", network.scores, network.image, **how)
    found = integrated_gradients(network, TARGET)
    assert np.allclose(found, expected.sum(dim=1)[0], atol=1e-5)
    image, baseline = (float(network.scores(each)[0, TARGET]) for each in (network.image, network.baseline))
    assert integrated_gradients(network, TARGET, steps=400).sum() == pytest.approx(image - baseline, abs=1e-3)


def test_guided_backpropagation_is_captums_and_leaves_no_hook(network: ScoredNetwork):
    before = saliency(network, TARGET)
    expected = captum("GuidedBackprop", network.scores, network.image)
    found = guided_gradients(network.scores, network.image, TARGET)
    assert np.allclose(found, expected, atol=1e-5)
    assert np.allclose(guided_backpropagation(network, TARGET), expected.abs().amax(dim=1)[0], atol=1e-5)
    assert np.array_equal(saliency(network, TARGET), before)
    assert [module.inplace for module in network.scores.modules() if isinstance(module, nn.ReLU)] == [True, False]


def test_grad_cam_is_captums(network: ScoredNetwork):
    expected = captum("LayerGradCam", network.scores, network.layer, network.image)
    assert np.allclose(layer_grad_cam(network.scores, network.layer, network.image, TARGET), expected, atol=1e-5)
    assert np.allclose(grad_cam(network, TARGET), expected.clamp(min=0)[0, 0], atol=1e-5)


def test_guided_backpropagation_by_hand():
    """score = relu(x0 − x1) − relu(x2) + 2·relu(−x0), at x = (3, 1, 2).

    The gradient is (1, −1, −1). Guided, the second rectifier's signal, −1, is negative and the third's unit is not
    active: (1, −1, 0) is left; the −1 is the first layer's weight, behind the last rectifier.
    """
    first, last = nn.Linear(3, 3, bias=False), nn.Linear(3, 1, bias=False)
    first.weight.data = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
    last.weight.data = torch.tensor([[1.0, -1.0, 2.0]])
    network, x = nn.Sequential(first, nn.ReLU(), last), torch.tensor([[3.0, 1.0, 2.0]])
    assert guided_gradients(network, x, 0).tolist() == [[1.0, -1.0, 0.0]]


def test_the_signal_is_unpooled_to_where_the_maximum_was():
    """Backwards through max pooling: Zeiler & Fergus's unpooling with switches."""
    image = torch.tensor([[[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 1.0, 7.0]]]]).expand(1, 3, 2, 4).contiguous()
    network = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 1, bias=False))
    network[2].weight.data = torch.tensor([[2.0, 3.0, 0.0, 0.0, 0.0, 0.0]])
    expected = [[0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0]]
    assert guided_gradients(network, image, 0)[0, 0].tolist() == expected
    pooled, switches = nn.MaxPool2d(2, return_indices=True)(image)
    signal = torch.zeros_like(pooled)
    signal[0, 0] = torch.tensor([[2.0, 3.0]])
    assert nn.MaxUnpool2d(2)(signal, switches)[0, 0].tolist() == expected


def test_the_last_map_is_found(network: ScoredNetwork):
    assert last_map_layer(network.scores, network.image) is network.layer
    with pytest.raises(UsageError, match="no feature maps"):
        last_map_layer(nn.Flatten(), network.image)
