from __future__ import annotations

import pytest
import torch

from seetell.tasks.detection.models.detector import DetectorSpec, Targets
from seetell.tasks.detection.models.yolo import YOLO, YOLOConfig


class Said(YOLO):
    """A YOLO on 2 × 2 cells of two boxes that says what it is told to."""

    def __init__(self) -> None:
        super().__init__(YOLOConfig(grid=2, width=4, hidden=4), DetectorSpec({32: 3}, (100, 200), 3))
        self.boxes, self.classes_said = torch.zeros(1, 2, 2, 2, 5), torch.zeros(1, 2, 2, 3)

    def outputs(self, maps):
        return self.boxes, self.classes_said


def test_boxes_and_scores_by_hand():
    network = Said()
    network.boxes[0, 0, 1, 1] = torch.tensor([0.5, 0.5, 0.5**0.5, 1.0, 0.8])  # the middle of the upper right cell
    network.classes_said[0, 0, 1] = torch.tensor([0.0, 0.5, 0.0])
    scores, boxes = network([])
    assert (scores.shape, boxes.shape) == ((1, 8, 3), (1, 8, 4))
    place = 1 * 2 + 1
    torch.testing.assert_close(boxes[0, place], torch.tensor([100.0, 0.0, 200.0, 75.0]))  # cut at the upper edge
    torch.testing.assert_close(scores[0, place], torch.tensor([0.0, 0.4, 0.0]))


def test_the_loss_of_equation_3_by_hand():
    network = Said()
    network.boxes[0, 0, 0, 0] = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.2])
    network.boxes[0, 0, 0, 1] = torch.tensor([0.6, 0.5, 0.5**0.5, 0.5**0.5, 0.7])  # overlaps the object more
    network.boxes[0, 1, 1, 0, 4] = 0.4
    network.classes_said[0, 0, 0] = torch.tensor([0.1, 0.8, 0.0])
    targets = Targets([torch.tensor([[0.0, 0.0, 100.0, 50.0]])], [torch.tensor([1])])  # a whole cell: half of each side
    losses = {name: mean.item() for name, (mean, _) in network.losses([], targets).items()}
    assert losses["box"] == pytest.approx(5 * 0.1**2)
    overlap = 0.45 / 0.5 / (2 - 0.9)  # moved by a tenth of a cell of 0.5
    responsible, other, elsewhere = (0.7 - overlap) ** 2, 0.5 * 0.2**2, 0.5 * 0.4**2
    assert losses["confidence"] == pytest.approx(responsible + other + elsewhere)
    assert losses["classification"] == pytest.approx(0.1**2 + 0.2**2)


def test_a_cell_has_one_object():
    network = Said()
    boxes = torch.tensor([[0.0, 0.0, 60.0, 40.0], [10.0, 10.0, 40.0, 40.0], [120.0, 60.0, 180.0, 90.0]])
    photo, row, column, true, label = network._assigned(Targets([boxes], [torch.tensor([2, 0, 1])]), network.boxes)
    assert (photo.tolist(), row.tolist(), column.tolist(), label.tolist()) == ([0, 0], [0, 1], [0, 1], [2, 1])
    torch.testing.assert_close(true[1], torch.tensor([0.6, 0.6, 0.9, 0.9]))
