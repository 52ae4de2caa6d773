from __future__ import annotations

import torch
from torch import nn

from seetell.training.ema import ExponentialMovingAverage


def test_three_updates_by_hand():
    module = nn.Linear(1, 1, bias=False)
    values = [1.0, 2.0, 4.0, 8.0]
    with torch.no_grad():
        module.weight.fill_(values[0])
    average = ExponentialMovingAverage({"part": module}, decay=0.15)
    expected = values[0]
    for value, decay in zip(values[1:], (0.1, 0.15, 0.15), strict=True):  # 1/10, then 2/11 and 3/12 are above 0.15
        with torch.no_grad():
            module.weight.fill_(value)
        average.update()
        expected = decay * expected + (1 - decay) * value
        assert abs(average.values["part.weight"].item() - expected) < 1e-6
    with average.applied():
        assert abs(module.weight.item() - expected) < 1e-6
    assert module.weight.item() == values[-1]


def test_frozen_parameters_stay_themselves():
    module = nn.Linear(2, 2).requires_grad_(False)
    average = ExponentialMovingAverage({"part": module}, decay=0.5)
    nn.init.ones_(module.weight)  # loaded after the average was made, before training begins
    for _ in range(2):
        average.update()
        assert torch.equal(average.values["part.weight"], torch.ones(2, 2))
