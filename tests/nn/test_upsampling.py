from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seetell.nn.upsampling import BilinearUpsampling, UpConvolution, bilinear_kernel, pool_with_switches, unpool


def test_the_kernel_by_hand():
    assert bilinear_kernel(2).tolist() == [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]


@pytest.mark.parametrize("stride", [2, 8])
@pytest.mark.parametrize("learnt", [False, True])
def test_it_begins_as_bilinear_interpolation_between_cells_at_multiples_of_the_stride(stride: int, learnt: bool):
    x = torch.randn(2, 3, 4, 5)
    size = 3 * stride + 1, 4 * stride + 1
    expected = F.interpolate(x, size=size, mode="bilinear", align_corners=True)
    found = BilinearUpsampling(3, stride, learnt=learnt)(x, size)
    torch.testing.assert_close(found, expected)
    larger = BilinearUpsampling(3, stride, learnt=learnt)(x, (4 * stride, 5 * stride))
    torch.testing.assert_close(larger[:, :, : size[0], : size[1]], expected)
    torch.testing.assert_close(larger[:, :, -1, 0], x[:, :, -1, 0])  # the last cell is repeated


def test_an_up_convolution_mixes_channels():
    up = UpConvolution(3, 2, 2)
    x = torch.randn(1, 3, 4, 4)
    mixed = torch.einsum("bihw,io->bohw", x, up.weight[:, :, 1, 1])
    torch.testing.assert_close(up(x, (7, 7)), F.interpolate(mixed, size=(7, 7), mode="bilinear", align_corners=True))


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_switches_are_those_of_torch(size: tuple[int, int]):
    x = torch.randn(2, 3, *size).relu()  # many cells are equal
    values, switches = pool_with_switches(x)
    expected, indices = nn.MaxPool2d(2, return_indices=True)(x)
    torch.testing.assert_close(values, expected)
    spread = unpool(values + 1, switches, size)
    torch.testing.assert_close(spread, nn.MaxUnpool2d(2)(expected + 1, indices, output_size=size))


def test_gradients_reach_the_maxima_alone():
    x = torch.tensor([[[[1.0, 3.0], [2.0, 0.0]]]], requires_grad=True)
    values, switches = pool_with_switches(x)
    unpool(2 * values, switches, (2, 2)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[[0, 2], [0, 0]]]]
