"""FishNet's stages, row by row; Sun et al., NeurIPS 2018."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from seetell.nn.backbones import create_encoder
from seetell.nn.backbones.fishnet import Bottleneck, ChannelReduction, IsolatedConvolution

pytestmark = pytest.mark.slow

ROWS = ("Tail-1", "Tail-2", "Tail-3", "SE-block", "Body-3", "Body-2", "Body-1", "Head-1", "Head-2", "Head-3")
SHAPES = {
    "Input": ((3, 224), (64, 56)),
    "Tail-1": ((64, 56), (128, 28)),
    "Tail-2": ((128, 28), (256, 14)),
    "Tail-3": ((256, 14), (512, 7)),
    "SE-block": ((512, 7), (512, 7)),
    "Body-3": ((512, 7), (512, 14)),
    "Body-2": ((512 + 256, 14), (384, 28)),
    "Body-1": ((384 + 128, 28), (256, 56)),
    "Head-1": ((256 + 64, 56), (320, 28)),
    "Head-2": ((320 + 512, 28), (832, 14)),
    "Head-3": ((832 + 768, 14), (1600, 7)),
    "Score": ((1600 + 512, 7), (1000, 1)),
}
"""Channels and side of input and output, trunk and transfer of the input added.

Tables of these stages that give Body-3 an output of 256 channels name those of the transferred map that joins it: the
512 of the trunk are what the next row reads.
"""
BOTTLENECKS = {
    "fishnet99": (2, 2, 6, 2, (1, 1), (1, 1), (1, 1), (1, 1), (2, 1), (2, 4)),
    "fishnet150": (2, 4, 8, 4, (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (4, 4)),
}
CONVOLUTIONS = {
    "fishnet99": (7, 7, 19, 11, 6, 6, 6, 6, 9, 18),
    "fishnet150": (7, 13, 25, 17, 12, 12, 12, 12, 12, 24),
}
ISOLATED = (1, 1, 1, 1, 0, 0, 0, 0, 0, 0)


def count(module: nn.Module, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in module.modules())


@pytest.mark.parametrize("name", ["fishnet99", "fishnet150"])
def test_stages_are_those_of_the_table(name):
    with torch.device("meta"):
        fish = create_encoder(name, weights="none")
        head = fish.published_head(1000)
    modules = dict(zip(ROWS, (*fish.tail, fish.squeeze, *fish.body, *fish.head), strict=True))
    seen: dict[str, tuple[object, object]] = {}

    def remember(row):
        def hook(module, given, made):
            trunk = module.resized(given[0]) if row[:4] in ("Body", "Head") else made
            side = trunk.shape[2] // 2 if row.startswith("Tail") else trunk.shape[2]  # pooled by the next
            seen[row] = ((given[0].shape[1], given[0].shape[2]), (trunk.shape[1], side))

        return hook

    for row, module in modules.items():
        module.register_forward_hook(remember(row))
    grid = fish(torch.zeros(1, 3, 224, 224, device="meta")).grid
    last = grid.transpose(1, 2).unflatten(2, fish.grid_size)
    seen["Input"] = ((3, 224), (64, seen["Tail-1"][0][1]))
    seen["Score"] = (tuple(last.shape[1:3]), (head(last).shape[1], 1))
    assert seen == SHAPES

    for row, module, bottlenecks, convolutions, isolated in zip(
        ROWS, modules.values(), BOTTLENECKS[name], CONVOLUTIONS[name], ISOLATED, strict=True
    ):
        trunk_and_transfer = bottlenecks if isinstance(bottlenecks, tuple) else (bottlenecks,)
        parts = (module.trunk, module.transfer) if isinstance(bottlenecks, tuple) else (module,)
        assert tuple(count(part, Bottleneck) for part in parts) == trunk_and_transfer, row
        assert count(module, nn.Conv2d) == convolutions, row
        assert count(module, IsolatedConvolution) == isolated, row
    assert count(fish.stem, nn.Conv2d) == 3
    assert count(head, nn.Conv2d) + count(head, nn.Linear) == 2
    total = count(fish, nn.Conv2d) + count(head, nn.Conv2d)
    assert total == int(name.removeprefix("fishnet"))  # the outputs, a linear layer, are not counted


def test_channels_are_reduced_by_summing_neighbours():
    inputs = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert ChannelReduction(2)(inputs).flatten().tolist() == [1, 5, 9]
    assert ChannelReduction(3)(inputs).flatten().tolist() == [3, 12]
    with torch.device("meta"):
        fish = create_encoder("fishnet99", weights="none")
    reductions = [layer.k for layer in fish.modules() if isinstance(layer, ChannelReduction)]
    assert reductions == [2, 2]


def test_gradients_reach_the_tail_past_all_convolutions_behind_it():
    """With the bottlenecks' branches of body and head at zero, the end still depends on the first convolutions."""
    fish = create_encoder("fishnet99", weights="none", image_size=64)
    for part in (*fish.body, *fish.head):
        for block in part.modules():
            if isinstance(block, Bottleneck):
                nn.init.zeros_(block.layers[-1].weight)
    stem = fish.stem(torch.randn(1, 3, 64, 64)).detach().requires_grad_()
    fish.stem = Given(stem)
    fish.feature_maps(torch.zeros(1, 3, 64, 64), [4])[4].sum().backward()
    assert (stem.grad != 0).any()


class Given(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, images):
        return self.output
