from __future__ import annotations

import pytest
import torch
from torch import nn

from seetell.nn.backbones.fractalnet import Fractal
from seetell.nn.drop_path import PathChoice, StochasticDepth, join, linear_survival


def test_branches_are_there_as_often_as_they_should_and_scaled_outside_training():
    torch.manual_seed(0)
    layer = StochasticDepth(nn.Identity(), 0.25)
    there = [layer.train()(torch.ones(1)) is not None for _ in range(400)]
    assert sum(there) / 400 == pytest.approx(0.25, abs=0.08)
    assert layer.eval()(torch.ones(1)).item() == 0.25


def test_survival_falls_linearly_to_that_of_the_last_block():
    assert linear_survival(0.5, 4) == [0.875, 0.75, 0.625, 0.5]
    assert linear_survival(1, 3) == [1, 1, 1]


def test_paths_are_global_in_half_the_batches_and_never_none():
    torch.manual_seed(0)
    choice, single = PathChoice(3, 0.15), 0
    for _ in range(200):
        choice.begin(True)
        joins = [choice.kept(0) for _ in range(5)]
        assert all(any(kept) for kept in joins)
        single += all(sum(kept) == 1 for kept in joins) and len({tuple(kept) for kept in joins}) == 1
    assert 60 < single < 140
    choice.begin(False)
    assert choice.kept(0) == [True] * 3
    assert choice.kept(1) == [True] * 2


def test_inputs_of_a_join_are_dropped_with_their_probability():
    torch.manual_seed(0)
    choice = PathChoice(4, 0.15)
    kept = []
    while len(kept) < 1000:
        choice.begin(True)
        joins = [choice.kept(0) for _ in range(10)]
        if any(sum(each) != 1 for each in joins):  # a local batch
            kept += joins
    assert sum(map(sum, kept)) / (4 * len(kept)) == pytest.approx(0.85, abs=0.02)


def test_a_join_is_the_mean():
    assert join([torch.zeros(2), torch.ones(2)]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("column", "convolutions"), [(0, 1), (1, 2), (2, 4)])
def test_a_global_path_is_one_column_of_the_fractal(column, convolutions):
    class OneColumn(PathChoice):
        def kept(self, level):
            return [level + number == column for number in range(self.columns - level)]

    choice = OneColumn(3, 0.15)
    fractal, ran = Fractal(4, 4, 0, choice), []
    for layer in fractal.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda module, given, made: ran.append(module))
    (made,) = fractal(torch.randn(2, 4, 8, 8), choice.kept(0))
    assert made.shape == (2, 4, 8, 8)
    assert len(ran) == len(set(ran)) == convolutions
