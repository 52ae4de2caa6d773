from __future__ import annotations

import torch

from seetell.tasks.grounding.detections import ABSENT, candidates, selection_loss

LEFT, MIDDLE, RIGHT = [0.0, 0.2, 0.2, 0.8], [0.4, 0.2, 0.6, 0.8], [0.8, 0.0, 1.0, 0.8]


def test_objects_are_candidates_alone_in_pairs_and_all_of_a_class():
    rows = [[1, 0.9, *MIDDLE], [1, 0.8, *LEFT], [1, 0.7, *RIGHT], [0, 0.6, *LEFT], [0, 0.1, *RIGHT], [0, 0, 0, 0, 0, 0]]
    found = candidates(torch.tensor(rows)[None], objects=2)
    alone, paired, together = found.boxes[0].split(6)
    torch.testing.assert_close(alone, torch.tensor(rows)[:, 2:])
    torch.testing.assert_close(paired[0], torch.tensor([0.0, 0.2, 0.6, 0.8]))  # with the best other
    torch.testing.assert_close(paired[2], torch.tensor([0.4, 0.0, 1.0, 0.8]))
    torch.testing.assert_close(together[1], torch.tensor([0.0, 0.0, 1.0, 0.8]))
    assert found.there[0].tolist() == [*[True] * 5, False, *[True] * 3, *[False] * 3, *[True] * 3, *[False] * 3]
    assert found.labels[0, :, -3:].argmax(dim=1).tolist() == [0] * 6 + [1] * 6 + [2] * 6
    torch.testing.assert_close(found.labels[0, 0, :2], torch.tensor([0.0, 3.6]))


def test_the_loss_is_least_where_the_right_box_is_chosen():
    boxes, true = torch.tensor([[[LEFT, MIDDLE, RIGHT]]]), torch.tensor([[LEFT]])
    right, wrong = torch.tensor([[[20.0, -20.0, ABSENT]]]), torch.tensor([[[-20.0, 20.0, ABSENT]]])
    assert selection_loss(boxes, right, true) < 1e-5
    assert selection_loss(boxes, wrong, true) > 10
    assert selection_loss(boxes, wrong, torch.tensor([[RIGHT]])) < 30  # what is none cannot be chosen
