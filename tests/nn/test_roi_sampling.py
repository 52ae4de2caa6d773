from __future__ import annotations

import pytest
import torch

from seetell.nn.roi_head import sample_rois

TRUE = [torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])]
PROPOSED = [
    torch.tensor([[0.0, 0.0, 10.0, 5.0], [0.0, 0.0, 10.0, 4.9], [50.0, 50.0, 60.0, 60.0]]),
    torch.tensor([[20.0, 21.0, 30.0, 30.0], [50.0, 50.0, 60.0, 60.0]]),
]


def test_each_proposal_is_told_what_it_overlaps_most():
    torch.manual_seed(0)
    samples = sample_rois(PROPOSED, TRUE, batch_size_per_image=10, positive_fraction=0.5, positive_iou=0.5)
    assert [each.tolist() for each in samples.boxes] == [
        torch.cat([true, proposed]).tolist() for true, proposed in zip(TRUE, PROPOSED, strict=True)
    ]
    assert samples.positive.tolist() == [True, True, False, False, True, True, True, False]
    assert samples.regions.tolist() == [0, 0, 0, 0, 1, 2, 2, 0]


def test_no_more_than_wanted_and_no_more_positive_than_their_share():
    torch.manual_seed(0)
    samples = sample_rois(PROPOSED, TRUE, batch_size_per_image=2, positive_fraction=0.5, positive_iou=0.5)
    assert [len(each) for each in samples.boxes] == [2, 2]
    assert samples.positive.sum() == 2


def test_where_there_is_no_region_all_are_negative():
    torch.manual_seed(0)
    nothing = [torch.zeros(0, 4)] * 2
    samples = sample_rois(
        PROPOSED, nothing, batch_size_per_image=10, positive_fraction=0.5, positive_iou=0.5, negative_iou=(0.1, 0.5)
    )
    assert [len(each) for each in samples.boxes] == [3, 2]
    assert not samples.positive.any()
    assert samples.regions.tolist() == [0] * 5


def test_overlaps_between_are_not_drawn():
    torch.manual_seed(0)
    samples = sample_rois(
        PROPOSED, TRUE, batch_size_per_image=10, positive_fraction=0.5, positive_iou=0.6, negative_iou=(0.1, 0.495)
    )  # of 0.5 is between, of 0.49 is negative, of 0 is below
    assert [each.tolist() for each in samples.boxes] == [
        [[0, 0, 10, 10], pytest.approx([0, 0, 10, 4.9])],
        [[0, 0, 10, 10], [20, 20, 30, 30], [20, 21, 30, 30]],
    ]
