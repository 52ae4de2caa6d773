from __future__ import annotations

import pytest
import torch

from seetell.errors import RecipeError
from seetell.nn.roi_head import RoIHead, RoIHeadConfig


def head() -> RoIHead:
    torch.manual_seed(0)
    config = RoIHeadConfig(output_size=2, canonical_box_size=32, code_size=8)
    return RoIHead(config, width=1, strides=(8, 16, 32), image_size=(128, 128)).eval()


def test_a_correction_moves_a_box_onto_the_region():
    boxes = torch.tensor([[10.0, 10.0, 50.0, 90.0], [0.0, 0.0, 8.0, 8.0]])
    regions = torch.tensor([[20.0, 0.0, 60.0, 70.0], [4.0, 4.0, 100.0, 12.0]])
    network = head()
    corrections = network.encode_boxes(boxes, regions)
    torch.testing.assert_close(corrections[0, :2], torch.tensor([10 * 10 / 40, 10 * -15 / 80]))
    torch.testing.assert_close(network.decode_boxes(boxes, corrections), regions, rtol=1e-4, atol=1e-3)


def test_what_lies_outside_is_cut_off():
    moved = head().decode_boxes(torch.tensor([[100.0, 100.0, 140.0, 140.0]]), torch.zeros(1, 4))
    assert moved.tolist() == [[100.0, 100.0, 128.0, 128.0]]


def test_each_box_is_looked_at_in_the_map_of_its_size_at_its_place():
    """Maps of made-up values: thousands tell the map, the rest the pixel's x."""
    maps = [
        1000.0 * level + (torch.arange(size) * stride).float().expand(1, 1, size, size)
        for level, (stride, size) in enumerate([(8, 17), (16, 9), (32, 5)], start=1)
    ]
    boxes = torch.tensor([[40.0, 40.0, 56.0, 56.0], [32.0, 40.0, 80.0, 88.0], [0.0, 0.0, 128.0, 128.0]])
    cells = head().pool_rois(maps, [boxes])
    assert cells.shape == (3, 1, 2, 2)
    expected = [1000 + 44, 2000 + 44, 3000 + 32]
    torch.testing.assert_close(cells[:, 0, 0, 0], torch.tensor(expected).float())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output_size": 0}, "output_size: expected at least 1, got 0"),
        ({"dropout": 1.0}, "dropout: expected a probability below 1"),
        ({"nms_iou": 1.5}, "nms_iou: expected above 0, at most 1, got 1.5"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(RecipeError, match=message):
        RoIHeadConfig(**settings)
