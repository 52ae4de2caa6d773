"""Hand-worked examples of the heads: what each learns from, and what becomes of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.nn.box_coding import ROI_SCALES
from seetell.nn.box_head import box_losses, final_boxes
from seetell.nn.roi_head import SampledRoIs
from seetell.tasks.detection.models.cascade_rcnn import CascadeConfig, rematched
from seetell.tasks.detection.models.detector import DetectorSpec, Targets
from seetell.tasks.detection.models.fcos import FCOS, FCOSConfig
from seetell.tasks.detection.models.light_head_rcnn import LargeSeparableConvolution
from seetell.tasks.detection.models.rcnn import mined_hinge
from seetell.tasks.detection.models.regions import SamplingConfig, matched_objects
from seetell.tasks.detection.models.rfcn import RFCN, RFCNConfig
from seetell.tasks.detection.models.sppnet import squared_hinge

BOXES = torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 40.0, 40.0]])


def test_fast_rcnns_loss_by_hand():
    logits, deltas = torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]), torch.zeros(2, 2, 4)
    targets = torch.tensor([[1.0, 0.0, 11.0, 10.0], [0.0, 0.0, 0.0, 0.0]])
    losses = box_losses(logits, deltas, torch.tensor([1, 0]), BOXES, targets)
    assert losses["classification"][0].item() == pytest.approx(F.cross_entropy(logits, torch.tensor([1, 0])).item())
    # moved by a tenth, times 10: smooth L1 of 1 is a half, and two boxes were sampled
    assert (losses["box"][0].item(), losses["box"][1]) == (pytest.approx(0.5 / 2), 2)
    scores, boxes = final_boxes(logits, deltas, BOXES, image_size=(50, 30))
    assert scores.shape == (2, 2)
    assert boxes[1].tolist() == [[20, 20, 30, 40]] * 2  # cut at the right edge
    assert ROI_SCALES[0] == 10


def test_matched_objects_have_labels_from_one():
    sampled = SampledRoIs([BOXES, BOXES[:1]], torch.tensor([True, False, True]), torch.tensor([1, 0, 2]))
    targets = Targets([BOXES, BOXES[:1]], [torch.tensor([4, 0]), torch.tensor([7])])
    labels, matched = matched_objects(sampled, targets)
    assert labels.tolist() == [1, 0, 8]
    assert torch.equal(matched[[0, 2]], torch.stack([BOXES[1], BOXES[0]]))


def test_a_later_head_asks_for_more_overlap():
    moved = [torch.tensor([[0.0, 0.0, 10.0, 6.5], [0.0, 0.0, 10.0, 7.5], [30.0, 30.0, 30.0, 40.0]])]
    again = rematched(moved, [BOXES], 0.7)
    assert again.positive.tolist() == [False, True, False]
    assert again.boxes[0][2].tolist() == [30, 30, 31, 40]  # what was squeezed to nothing has a pixel
    with pytest.raises(RecipeError, match="weights: expected 3, one a head"):
        CascadeConfig(weights=(1.0,))


def test_squared_hinge_by_hand():
    scores = torch.tensor([[0.5, -2.0], [0.0, 0.0]])
    # an object of class 1: (1 - 0.5)² and nothing; background: 1 and 1
    assert squared_hinge(scores, torch.tensor([1, 0])).item() == pytest.approx((0.25 + 0 + 1 + 1) / 2)


def test_svms_learn_from_objects_and_their_hardest_negatives():
    scores = torch.tensor([[0.5], [0.9], [-0.5], [0.2], [-3.0]])
    labels, is_object = torch.tensor([1, 1, 0, 0, 0]), torch.tensor([True, False, False, False, False])
    # the object (1 - 0.5)²; its neighbour is left out; the hardest of the background (1 + 0.2)²
    assert mined_hinge(scores, labels, is_object=is_object, hardest=1).item() == pytest.approx((0.25 + 1.44) / 2)


def test_a_large_kernel_reaches_far():
    layer = LargeSeparableConvolution(1, 2, 1, kernel=7)
    spot = torch.zeros(1, 1, 15, 15)
    spot[0, 0, 7, 7] = 1
    changed = (layer(spot) - layer(torch.zeros_like(spot)))[0, 0].abs() > 1e-9
    assert changed[4:11, 4:11].all()
    assert changed.sum() == 49


def test_cells_of_fcos_learn_the_smallest_object_around_them():
    network = FCOS(FCOSConfig(strides=(8, 16), extra_maps=0, width=32), DetectorSpec({8: 3, 16: 3}, (64, 64), 2))
    cells = network.cells.over([torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 5, 5)])
    true = torch.tensor([[2.0, 2.0, 62.0, 62.0], [24.0, 24.0, 42.0, 44.0]])
    positive, matched, centre = network.assigned(cells, true)
    place = int((positive == 4 * 9 + 4).nonzero()[0])
    assert matched[place] == 1  # it lies in both, 30 pixels from an edge of the larger one at most
    assert 0 in matched.tolist()  # beside the smaller one
    # of the pixel (32, 32): 8 to the left and 10 to the right, 8 up and 12 down
    assert centre[place].item() == pytest.approx((8 / 10 * 8 / 12) ** 0.5)
    nothing, _, _ = network.assigned(cells, torch.zeros(0, 4))
    assert len(nothing) == 0


def test_overlaps_are_checked():
    with pytest.raises(RecipeError, match="negative_iou: expected two overlaps"):
        SamplingConfig(negative_iou=(0.3, 0.6))


def test_rfcn_learns_from_the_proposals_of_the_greatest_loss(monkeypatch: pytest.MonkeyPatch):
    detector = RFCN(RFCNConfig(stride=8, width=4, hard_examples=2), DetectorSpec({8: 3}, (64, 64), 2))
    true = Targets([BOXES[:1], torch.zeros(0, 4)], [torch.tensor([1]), torch.zeros(0, dtype=torch.int64)])
    proposed = [torch.tensor([[50.0, 50, 60, 60], [30, 0, 40, 10], [0, 0, 10, 9]]), BOXES + 1]
    sure = torch.tensor([0.0, 9.0, 0.0, 9.0, 0.0, 9.0])  # of the background: the object, three near it, two elsewhere
    outputs = torch.stack([sure, torch.zeros(6), torch.zeros(6)], dim=1), torch.zeros(6, 1, 4)
    monkeypatch.setattr(detector, "head_outputs", lambda trunk, rois: outputs)
    seen = []
    monkeypatch.setattr(detector, "box_losses", lambda trunk, sampled, targets: seen.append(sampled) or {})
    detector.region_losses([], proposed, true)
    (sampled,) = seen
    assert [boxes.tolist() for boxes in sampled.boxes] == [
        [[0, 0, 10, 9], [30, 0, 40, 10]],  # taken for background although it has the object; taken for anything
        [[1, 1, 11, 11], [21, 21, 41, 41]],
    ]
    assert sampled.positive.tolist() == [True, False, False, False]
    with pytest.raises(RecipeError, match="hard_examples"):
        RFCNConfig(hard_examples=-1)
