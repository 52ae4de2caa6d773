from __future__ import annotations

import pytest
import torch
from boxed_shapes import CAPTIONERS, COLOURS, PHRASES, WORDS, maps, phrases, regions, small_densecap
from torchvision.ops import box_iou

from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.nn.region_proposals import ProposalConfig
from seetell.tasks.captioning.models import caption_tensors
from seetell.tasks.captioning.validation import caption_features
from seetell.tasks.dense_captioning.model import DenseCapConfig, LossWeights

GREEDY = Decoding(method="greedy")


def lessons() -> tuple[torch.Tensor, torch.Tensor]:
    inputs, targets = caption_tensors(phrases(), max_words=8)
    return inputs[:, 0], targets[:, 0]


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("architecture", CAPTIONERS)
def test_every_parameter_gets_a_gradient(architecture, context):
    densecap = small_densecap(architecture, context=context)
    densecap.pyramid.fit(maps())
    torch.manual_seed(0)
    losses = densecap.losses(maps(), regions(), *lessons(), label_smoothing=0.1)
    torch.stack([mean for mean, _ in losses.values()]).sum().backward()
    for name, parameter in densecap.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    found = densecap.eval().detect(maps())
    assert len(found) == 3
    described = densecap.describe(maps(), [each.boxes[:1] for each in found])
    assert described.pooled.shape == (3, densecap.config.feature_size)
    assert (described.grid is not None) == densecap.captioner.uses_grid


def test_each_loss_says_over_how_many_it_is_a_mean():
    densecap = small_densecap()
    losses = densecap.losses(maps(), regions(), *lessons(), label_smoothing=0.0)
    config, counts = densecap.config, {name: count for name, (_, count) in losses.items()}
    assert list(counts) == list(vars(LossWeights()))
    assert 0 < counts["proposal_objectness"] <= 3 * config.proposals.batch_size_per_image
    assert counts["proposal_box"] == counts["proposal_objectness"]
    assert counts["objectness"] == counts["box"] <= 3 * config.roi_head.batch_size_per_image
    assert counts["caption"] > 0


@pytest.mark.slow
def test_learns_boxes_and_their_phrases_by_heart():
    densecap = small_densecap()
    optimiser = torch.optim.Adam(densecap.parameters(), 0.01)
    torch.manual_seed(0)
    for _ in range(200):
        optimiser.zero_grad()
        losses = densecap.losses(maps(), regions(), *lessons(), label_smoothing=0.0)
        torch.stack([mean for mean, _ in losses.values()]).sum().backward()
        optimiser.step()
    densecap.eval()
    with torch.inference_mode():
        found = densecap.detect(maps())
    for each, true, colours in zip(found, regions(), COLOURS, strict=True):
        count = len(true)
        assert each.scores[:count].min() > 0.5
        sure = each.boxes[each.scores > 0.5]
        assert box_iou(sure, true).amax(dim=1).min() > 0.2  # at worst a part of the same thing
        overlap, nearest = box_iou(each.boxes[:count], true).max(dim=1)
        assert overlap.min() > 0.7
        said = caption_features(densecap.captioner, each.features, GREEDY, WORDS)[:count]
        assert said == [PHRASES[colours[place]] for place in nearest.tolist()]


def test_boxes_are_within_the_photo_best_first_and_apart():
    densecap = small_densecap().eval()
    with torch.inference_mode():
        for each in densecap.detect(maps()):
            assert each.boxes.min() >= 0
            assert each.boxes.max() <= 64
            assert torch.equal(each.scores, each.scores.sort(descending=True).values)
            overlap = box_iou(each.boxes, each.boxes).fill_diagonal_(0)
            assert overlap.max() <= densecap.config.roi_head.nms_iou
            assert len(each.features.pooled) == len(each.boxes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strides": (8, 32)}, "strides: each must be twice the one before"),
        ({"width": 0}, "width: expected at least 1, got 0"),
        ({"shortcut": -1}, "shortcut: expected 0 or more, got -1"),
        ({"proposals": ProposalConfig(stride=4)}, "proposals.stride: expected one of"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(RecipeError, match=message):
        DenseCapConfig(**settings)


def test_negative_weights_are_refused():
    with pytest.raises(RecipeError, match=r"box: expected 0 or more, got -1"):
        LossWeights(box=-1)
