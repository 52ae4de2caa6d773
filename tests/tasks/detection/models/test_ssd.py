from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seetell.tasks.detection.models.detector import DetectorSpec, Targets
from seetell.tasks.detection.models.ssd import SSD, SSDConfig, hard_mined


def ssd(**settings) -> SSD:
    torch.manual_seed(0)
    return SSD(SSDConfig(width=8, **settings), DetectorSpec({8: 3, 16: 3, 32: 3}, (100, 200), 2))


def test_scales_are_those_of_equation_4():
    config = SSDConfig(strides=(8, 16), extra_maps=4)
    assert config.scales == pytest.approx([0.1, 0.2, 0.375, 0.55, 0.725, 0.9, 1.075])


def test_default_boxes_by_hand():
    network = ssd(strides=(8, 16, 32), extra_maps=1)
    assert [len(getattr(network.anchors, f"boxes_{number}")) for number in range(4)] == [4, 6, 4, 4]
    first = network.anchors.boxes_0
    sides = (first[:, 2:] - first[:, :2]).tolist()
    # scale 0.1 of 200 × 100 pixels, the mean with 0.2 in between, twice as wide as high, and the other way round
    middle = math.sqrt(0.1 * 0.2)
    expected = [[20, 10], [200 * middle, 100 * middle], [20 * 2**0.5, 10 / 2**0.5], [20 / 2**0.5, 10 * 2**0.5]]
    torch.testing.assert_close(torch.tensor(sides), torch.tensor(expected))


def test_three_hardest_negatives_count_for_each_positive():
    logits = torch.zeros(1, 6, 3)
    logits[0, :, 1] = torch.tensor([0.0, 5.0, 1.0, 4.0, 3.0, 2.0])  # how much each looks like class 1
    labels = torch.tensor([[1, 0, 0, 0, 0, 0]])
    entropy = F.cross_entropy(logits[0], labels[0], reduction="none")
    assert hard_mined(logits, labels, negatives=3).item() == pytest.approx((entropy[[0, 1, 3, 4]]).sum().item())
    assert hard_mined(logits, torch.zeros_like(labels), negatives=3).item() == 0


def test_every_object_has_a_box_and_the_loss_is_a_mean_over_them():
    network = ssd(extra_maps=0)
    maps = [torch.randn(1, 3, 13, 25), torch.randn(1, 3, 7, 13), torch.randn(1, 3, 4, 7)]
    tiny = Targets([torch.tensor([[50.0, 50.0, 52.0, 51.0]])], [torch.tensor([1])])
    assert [count for _, count in network.losses(maps, tiny).values()] == [1, 1]
