from __future__ import annotations

import pytest
import torch

from seetell.errors import RecipeError
from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork


def proposals(**settings) -> RegionProposalNetwork:
    torch.manual_seed(0)
    config = ProposalConfig(stride=16, anchor_sizes=(20, 40), aspect_ratios=(1.0, 4.0), hidden_channels=8, **settings)
    return RegionProposalNetwork(config, width=4, image_size=(64, 96))


def test_anchors_are_centred_at_multiples_of_the_stride():
    """Torchvision would take the stride from the photo's size, 96 over 7 cells, and have 13."""
    anchors = proposals().all_anchors([torch.zeros(2, 4, 5, 7)]).reshape(5, 7, 4, 4)
    centres = (anchors[..., :2] + anchors[..., 2:]) / 2
    rows, columns = torch.meshgrid(torch.arange(5) * 16.0, torch.arange(7) * 16.0, indexing="ij")
    torch.testing.assert_close(centres, torch.stack([columns, rows], dim=-1)[:, :, None].expand(5, 7, 4, 2))
    sides = anchors[0, 0, :, 2:] - anchors[0, 0, :, :2]
    torch.testing.assert_close(sides, torch.tensor([[20.0, 20.0], [40.0, 40.0], [10.0, 40.0], [20.0, 80.0]]))


def test_proposes_so_many_within_the_photo():
    network = proposals(post_nms_top_n_train=9, post_nms_top_n_test=3)
    torch.nn.init.normal_(network.network.head.bbox_pred.weight, std=1.0)
    activation = torch.randn(2, 4, 5, 7)
    boxes, losses = network([activation], [torch.tensor([[0.0, 0.0, 20.0, 20.0]])] * 2)
    assert [len(each) for each in boxes] == [9, 9]
    assert len(losses) == 2
    boxes, losses = network.eval()([activation])
    assert [len(each) for each in boxes] == [3, 3]
    assert not losses
    for each in boxes:
        assert each.min() >= 0
        assert each[:, [0, 2]].max() <= 96
        assert each[:, [1, 3]].max() <= 64


def test_scores_are_those_of_the_anchors():
    network, activation = proposals(), torch.randn(2, 4, 5, 7)
    logits, deltas = network.scores([activation])
    assert (logits.shape, deltas.shape) == ((2, 140), (2, 140, 4))
    raw, moves = network.network.head([network.reduce(activation)])
    assert torch.equal(logits[1].reshape(5, 7, 4)[3, 2], raw[0][1, :, 3, 2])
    assert torch.equal(deltas[1].reshape(5, 7, 16)[3, 2], moves[0][1, :, 3, 2])


def test_each_map_of_a_pyramid_has_one_size():
    config = ProposalConfig(anchor_sizes=(20, 40), aspect_ratios=(1.0,), hidden_channels=4)
    network = RegionProposalNetwork(config, width=4, image_size=(64, 96), strides=(8, 16))
    maps = [torch.randn(1, 4, 9, 13), torch.randn(1, 4, 5, 7)]
    anchors = network.all_anchors(maps)
    sides = anchors[:, 2] - anchors[:, 0]
    assert sides.tolist() == [20.0] * 117 + [40.0] * 35
    assert anchors[116].tolist() == [12 * 8 - 10, 8 * 8 - 10, 12 * 8 + 10, 8 * 8 + 10]
    boxes, logits = network.candidates(maps)
    assert (boxes.shape, logits.shape) == ((1, 152, 4), (1, 152))
    assert len(network.eval()(maps)[0][0])
    with pytest.raises(RecipeError, match="expected one for each of the strides"):
        RegionProposalNetwork(config, width=4, image_size=(64, 96), strides=(8, 16, 32))


def test_candidates_are_what_proposals_are_chosen_among():
    network = proposals(nms_iou=1.0, post_nms_top_n_test=1000).eval()
    torch.nn.init.normal_(network.network.head.bbox_pred.weight, std=1.0)
    activation = torch.randn(1, 4, 5, 7)
    (chosen,), _ = network([activation])
    boxes, logits = network.candidates([activation])
    ranked = boxes[0][logits[0].argsort(descending=True, stable=True)]
    torch.testing.assert_close(chosen[0], ranked[(ranked[:, 2:] - ranked[:, :2]).min(dim=1).values > 1e-3][0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"post_nms_top_n_test": 0}, "post_nms_top_n_test: expected at least 1, got 0"),
        ({"anchor_sizes": ()}, "anchor_sizes: expected positive numbers"),
        ({"aspect_ratios": (1.0, 0.0)}, "aspect_ratios: expected positive numbers"),
        ({"negative_iou": 0.8}, "negative_iou: expected 0 ≤ negative_iou ≤ positive_iou ≤ 1"),
        ({"nms_iou": 0.0}, "nms_iou: expected above 0, at most 1"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(RecipeError, match=message):
        ProposalConfig(**settings)
