"""What every Siamese network is, and what each has of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from seetell.errors import RecipeError
from seetell.tasks.single_object_tracking.models import NETWORKS, config_type
from seetell.tasks.single_object_tracking.models.correlation import cross_correlation, depthwise_correlation
from seetell.tasks.single_object_tracking.models.siamese import SiameseNetwork, TrackingTargets, middle
from seetell.tasks.single_object_tracking.models.siamfc import CroppedResidualUnit, SiamFC, SiamFCConfig
from seetell.tasks.single_object_tracking.models.siammask import mask_windows, targets_of
from seetell.tasks.single_object_tracking.models.siamrpn import Stage, anchor_losses
from seetell.tasks.single_object_tracking.models.siamrpn_plus_plus import SiamRPNPlusPlus, SiamRPNPlusPlusConfig

SIDE = 129
MAPS = {4: 5, 8: 6, 16: 7}
"""Channels by stride, of windows of 129 pixels."""


def made(name: str, **options: object) -> SiameseNetwork:
    config = config_type(name)(**{"channels": 8, **options})
    torch.manual_seed(0)
    return NETWORKS[name][1](config, {stride: MAPS[stride] for stride in config.strides}, SIDE)


def pair_of(network: SiameseNetwork, pairs: int = 3) -> tuple[torch.Tensor, torch.Tensor, TrackingTargets]:
    """Random maps, embedded, in which the second object is 16 pixels to the right, and the third is another one."""
    random = torch.Generator().manual_seed(1)
    maps = []
    for stride in network.strides:
        cells = (SIDE - 1) // stride + 1
        maps.append(torch.randn(pairs, MAPS[stride], cells, cells, generator=random))
    exemplar = network.embedding(middle(maps, network.strides, network.exemplar_cells))
    half = SIDE / 2
    boxes = torch.tensor([[half - 30, half - 30, half + 30, half + 30]] * pairs)
    boxes[1:2] += torch.tensor([16.0, 0, 16, 0])
    masks = torch.zeros(pairs, SIDE, SIDE, dtype=torch.bool)
    masks[:, 40:90, 40:90] = True
    present = torch.tensor([True, True, False][:pairs])
    return exemplar, network.embedding(maps), TrackingTargets(boxes, torch.full((pairs, 2), 60.0), present, masks)


CASES = [*((name, {}) for name in NETWORKS), ("siamfc", {"depth": 2}), ("siamrpn_plus_plus", {"stages": 2})]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_losses_reach_every_parameter(name: str, options: dict[str, int]):
    network = made(name, **options)
    exemplar, window, targets = pair_of(network)
    if name == "udt":  # whose frames differ
        window = window.roll(2, dims=3)
    losses = network.losses(exemplar, window, targets)
    assert all(torch.isfinite(mean) for mean, _ in losses.values())
    sum(mean for mean, _ in losses.values()).backward()
    still = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    inner = [key for key in still if not ("units" in key and not key.endswith("4.weight"))]  # behind zeros at first
    assert not inner


@pytest.fixture
def in_float64() -> Iterator[None]:
    """Compute in 64 bits, where the order in which a processor adds makes no difference."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_exemplar_is_searched_for_in_several_windows(name: str, options: dict[str, int], in_float64: None):
    network = made(name, **options).eval()
    exemplar, window, targets = pair_of(network)
    with torch.no_grad():
        together = network.search(window, network.template(exemplar))
        if name != "udt":
            alone = network.search(window, network.template(exemplar[:1]))
            for one, all_of_them in zip(alone, together, strict=True):
                torch.testing.assert_close(one[0], all_of_them[0], rtol=1e-4, atol=1e-5)
        boxes = network.locate(exemplar, window, targets.sizes)
    assert boxes.shape == (3, 4)


@pytest.mark.parametrize("name", ["siamfc", "udt"])
def test_an_object_that_did_not_move_is_in_the_middle(name: str):
    network = made(name).eval()
    exemplar, window, targets = pair_of(network)
    with torch.no_grad():
        still = network.locate(exemplar, window, targets.sizes)
        moved = network.locate(exemplar, window.roll((1, 2), dims=(2, 3)), targets.sizes)
    stride = network.strides[0]
    torch.testing.assert_close(still, torch.tensor([[34.5, 34.5, 94.5, 94.5]] * 3))
    torch.testing.assert_close(moved - still, torch.tensor([[2.0, 1, 2, 1]] * 3) * stride)


def test_anchors_are_around_the_places_of_the_response():
    network = made("siamrpn")
    assert network.anchors.shape == (9 * 9 * 5, 4)
    middle_one = network.anchors[(4 * 9 + 4) * 5 + 2]
    torch.testing.assert_close(middle_one, torch.tensor([32.5, 32.5, 96.5, 96.5]))


def test_anchors_that_the_stage_before_refused_do_not_count():
    anchors = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 9, 10], [50, 50, 60, 60]]])
    targets = TrackingTargets(torch.tensor([[0.0, 0, 10, 10]]), torch.ones(1, 2), torch.tensor([True]))
    stage = Stage(torch.tensor([[2.0, -3.0, 1.0]]), torch.zeros(1, 3, 4), anchors)

    def entropy(logit: float, true: bool) -> float:
        return float(np.log1p(np.exp(-logit if true else logit)))

    losses = anchor_losses(stage, targets, None)
    expected = ((entropy(2, True) + entropy(-3, True)) / 2 + entropy(1, False)) / 2
    assert float(losses["score"][0]) == pytest.approx(expected)
    assert float(losses["box"][0]) > 0, "the second box is a tenth too narrow"
    kept = torch.tensor([[True, False, True]])
    losses = anchor_losses(stage, targets, kept)
    assert float(losses["score"][0]) == pytest.approx((entropy(2, True) + entropy(1, False)) / 2)
    assert float(losses["box"][0]) == pytest.approx(0)


def test_the_two_correlations():
    search, kernels = torch.randn(2, 3, 6, 7), torch.randn(2, 4, 3, 2, 3)
    response = cross_correlation(search, kernels)
    assert response.shape == (2, 4, 5, 5)
    assert float(response[1, 2, 3, 1]) == pytest.approx(float((search[1, :, 3:5, 1:4] * kernels[1, 2]).sum()), abs=1e-4)
    response = depthwise_correlation(search, kernels[:, 0])
    expected = (search[1, 2, 3:5, 1:4] * kernels[1, 0, 2]).sum()
    assert float(response[1, 2, 3, 1]) == pytest.approx(float(expected), abs=1e-4)


def test_cropped_units_do_not_show_padding():
    unit = CroppedResidualUnit(4)
    torch.nn.init.normal_(unit.layers[-1].weight)
    features = torch.randn(1, 4, 9, 9)
    wider = torch.nn.functional.pad(features, (1, 1, 1, 1), value=5.0)
    torch.testing.assert_close(unit(features), unit(wider)[:, :, 1:-1, 1:-1])


def test_depth_makes_the_exemplar_smaller_and_keeps_the_middle():
    network = made("siamfc", depth=2)
    exemplar, window, targets = pair_of(network)
    (responses,) = network.search(window, network.template(exemplar))
    assert responses.shape == (3, 9, 9)
    torch.testing.assert_close(network.locate(exemplar, window, targets.sizes)[0, :2], torch.tensor([34.5, 34.5]))


def test_places_near_the_object_and_others_count_alike():
    network = SiamFC(SiamFCConfig(strides=(8,), channels=4), {8: 6}, SIDE)
    torch.nn.init.constant_(network.scale, 0.0)
    torch.nn.init.constant_(network.bias, 1.0)
    exemplar, window, targets = pair_of(network, 1)
    (loss, count) = network.losses(exemplar, window, targets)["logistic"]
    assert count == 1
    assert float(loss.detach()) == pytest.approx((np.log1p(np.exp(-1)) + np.log1p(np.exp(1))) / 2)


def test_masks_are_of_the_exemplars_part_of_the_window():
    windows = mask_windows(torch.tensor([0, 40]), SIDE, 8, 9)
    torch.testing.assert_close(windows[1], torch.tensor([32.25, 32.25, 96.75, 96.75]))
    torch.testing.assert_close(windows[0], windows[1] - 32)
    mask = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    mask[:, 33:65] = True
    shown = targets_of(mask, torch.tensor([0]), windows[1:])[0]
    assert shown[1:30].min() == 1
    assert shown[33:].max() == 0


def test_weights_of_layers_add_up_to_one():
    network = SiamRPNPlusPlus(SiamRPNPlusPlusConfig(channels=8), {8: 6, 16: 7}, SIDE)
    exemplar, window, _ = pair_of(network)
    with torch.no_grad():
        network.weights[0, 0] = torch.tensor([50.0, -50.0])
        first, _ = network.respond(window, network.template(exemplar))
        network.scores[1].start_at(7.0)
        network.scores[1].head[-1].weight.zero_()
        again, _ = network.respond(window, network.template(exemplar))
        torch.testing.assert_close(first, again)
        network.weights[0, 0] = torch.tensor([-50.0, 50.0])
        other, _ = network.respond(window, network.template(exemplar))
        torch.testing.assert_close(other, torch.full_like(other, 7.0))


def test_windows_without_a_middle_are_refused():
    with pytest.raises(RecipeError, match=r"choose 32 n \+ 1 pixels"):
        middle([torch.zeros(1, 2, 32, 32)], (8,), 9)
    with pytest.raises(RecipeError, match="unknown tracker 'siamfx'"):
        config_type("siamfx")
