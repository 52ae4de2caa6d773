from __future__ import annotations

import pytest
import torch
from torchvision.ops import MultiScaleRoIAlign, ps_roi_pool

from seetell.nn.onnx_graph import onnx_graph
from seetell.nn.roi_pooling import (
    PositionSensitiveRoIPool,
    PyramidRoIAlign,
    RoIAlign,
    RoIPool,
    as_rois,
    position_sensitive_means,
)


def rois(count: int, *, side: int = 64) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    corners, sides = torch.rand(count, 2, generator=random) * side, 4 + torch.rand(count, 2, generator=random) * side
    boxes = torch.cat([corners, (corners + sides).clamp(max=side)], dim=1)
    return torch.cat([torch.arange(count)[:, None] % 2, boxes], dim=1)


def test_rois_say_which_image_they_are_of():
    boxes = [torch.tensor([[0.0, 1.0, 2.0, 3.0]]), torch.zeros(0, 4), torch.tensor([[4.0, 5.0, 6.0, 7.0]])]
    assert as_rois(boxes).tolist() == [[0, 0, 1, 2, 3], [2, 4, 5, 6, 7]]


def test_the_mean_of_a_cell_in_maps_of_its_own_by_hand():
    # class 0 has maps 0 to 3 for the cells of 2 × 2, class 1 maps 4 to 7; the box is columns 1 to 4 and rows 0 to 1
    maps = torch.arange(8.0)[None, :, None, None] * 100 + torch.arange(6.0)[None, None, None] + torch.zeros(1, 8, 4, 6)
    found = PositionSensitiveRoIPool(2, 16)(maps, torch.tensor([[0.0, 16.0, 0.0, 80.0, 32.0]]))
    # columns 1 and 2 have a mean of 1.5, columns 3 and 4 of 3.5
    assert found.tolist() == [[[[1.5, 103.5], [201.5, 303.5]], [[401.5, 503.5], [601.5, 703.5]]]]


def test_integral_images_give_what_torchvision_does():
    torch.manual_seed(0)
    maps = torch.randn(2, 18, 5, 5)
    ours = position_sensitive_means(maps, rois(40), cells=3, stride=16)
    torch.testing.assert_close(ours, ps_roi_pool(maps, rois(40), 3, 1 / 16), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_gradients_of_integral_images():
    torch.manual_seed(0)
    maps = torch.randn(2, 8, 4, 4, dtype=torch.float64, requires_grad=True)
    boxes = rois(5).double()
    assert torch.autograd.gradcheck(lambda m: position_sensitive_means(m, boxes, cells=2, stride=16), (maps,))


def test_a_box_is_pooled_from_the_map_of_its_size():
    torch.manual_seed(0)
    maps = [torch.randn(2, 3, side, side) for side in (9, 5, 3)]
    pool = PyramidRoIAlign(3, (8, 16, 32), canonical_size=24)
    boxes = torch.tensor([[0, 0, 0, 23, 23], [0, 0, 0, 25, 25], [0, 0, 0, 60, 60], [0, 0, 0, 4, 4.0]])
    assert pool.level(boxes).tolist() == [0, 1, 2, 0]
    theirs = MultiScaleRoIAlign(["8", "16", "32"], 3, 2, canonical_scale=24, canonical_level=4)
    given = rois(12)
    split = [given[given[:, 0] == number, 1:] for number in range(2)]
    expected = theirs({str(8 * 2**n): each for n, each in enumerate(maps)}, split, [(64, 64)] * 2)
    torch.testing.assert_close(pool(maps, as_rois(split)), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pool",
    [RoIAlign(3, 16), RoIPool(3, 16), PositionSensitiveRoIPool(3, 16), PyramidRoIAlign(3, (16, 32), canonical_size=32)],
    ids=lambda pool: type(pool).__name__,
)
def test_onnx_pools_as_torch_does(pool):
    import onnxruntime

    torch.manual_seed(0)
    maps = [torch.randn(2, 18, 5, 5), torch.randn(2, 18, 3, 3)]

    class Pooled(torch.nn.Module):
        def forward(self, *given):
            return (pool(list(given[:2]) if isinstance(pool, PyramidRoIAlign) else given[0], given[2]),)

    names, count = ["fine", "coarse", "rois"], torch.export.Dim("boxes", min=1)
    graph = onnx_graph(
        Pooled(), (*maps, rois(7)), inputs=names, outputs=["cells"], dynamic_shapes=((None, None, {0: count}),)
    )
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    wanted = {each.name for each in session.get_inputs()}
    feeds = dict(zip(names, (*maps, rois(11)), strict=True))
    (found,) = session.run(None, {name: value.numpy() for name, value in feeds.items() if name in wanted})
    torch.testing.assert_close(torch.from_numpy(found), Pooled()(*maps, rois(11))[0], rtol=1e-4, atol=1e-4)
