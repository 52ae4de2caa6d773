"""Upsampling: transposed convolutions that begin as bilinear interpolation, and unpooling with switches.

Maps of encoders have cells centred at multiples of their stride, so that a stride of ``s`` is undone by a kernel of
``2 s − 1`` cells (Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 3.3, had
``2 s``, for Caffe's crops).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def bilinear_kernel(stride: int) -> Tensor:
    """Return the kernel ``(2 s − 1, 2 s − 1)`` by which a transposed convolution interpolates bilinearly."""
    ramp = 1 - (torch.arange(2 * stride - 1.0) - (stride - 1)).abs() / stride
    return ramp[:, None] * ramp[None, :]


class BilinearUpsampling(nn.Module):
    """Interpolation of each channel, which may be learnt further.

    Args:
        channels: ``C``.
        stride: how many times finer the output is.
        learnt: whether the kernels are parameters, one for every pair of channels; all but those between a channel and
            itself begin at zero. Otherwise they stay bilinear.
    """

    kernel: Tensor

    def __init__(self, channels: int, stride: int, *, learnt: bool) -> None:
        super().__init__()
        self.stride, self.channels, self.learnt = stride, channels, learnt
        kernel = bilinear_kernel(stride)
        if learnt:
            self.weight = nn.Parameter(torch.eye(channels)[:, :, None, None] * kernel)
        else:
            self.register_buffer("kernel", kernel.expand(channels, 1, -1, -1).clone(), persistent=False)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Map ``(B, C, h, w)`` to ``(B, C, *size)``, of which ``(h s + 1, w s + 1)`` is the largest."""
        weight, groups = (self.weight, 1) if self.learnt else (self.kernel, self.channels)
        return _transposed(x, weight, self.stride, size, groups=groups)


class UpConvolution(nn.Module):
    """A transposed convolution to another number of channels, whose kernels all begin as bilinear interpolation.

    Args:
        inputs: channels of its input.
        outputs: channels of its output.
        stride: how many times finer the output is.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        mixing = torch.empty(inputs, outputs)
        nn.init.normal_(mixing, std=(2 / inputs) ** 0.5)
        self.weight = nn.Parameter(mixing[:, :, None, None] * bilinear_kernel(stride))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Map ``(B, C, h, w)`` to ``(B, C', *size)``, of which ``(h s + 1, w s + 1)`` is the largest."""
        return _transposed(x, self.weight, self.stride, size, bias=self.bias)


def _transposed(
    x: Tensor, weight: Tensor, stride: int, size: tuple[int, int], *, bias: Tensor | None = None, groups: int = 1
) -> Tensor:
    """Convolve, the last row and column repeated so that the border is not interpolated towards zero."""
    padded = F.pad(x, (0, 1, 0, 1), mode="replicate")
    upsampled = F.conv_transpose2d(padded, weight, bias, stride, stride - 1, groups=groups)
    return upsampled[:, :, : size[0], : size[1]]


def pool_with_switches(x: Tensor) -> tuple[Tensor, Tensor]:
    """Take the maximum of each 2×2 cells, and remember where it was.

    Args:
        x: ``(B, C, H, W)``; a last odd row or column is dropped, as by ``nn.MaxPool2d(2)``.

    Returns:
        The maxima ``(B, C, H / 2, W / 2)``, and the switches ``(B, C, H / 2, W / 2)``: the places from 0 to 3, row by
        row, of the first of equal ones.
    """
    batch, channels, height, width = x.shape
    rows, columns = height // 2, width // 2
    cells = x[:, :, : 2 * rows, : 2 * columns].reshape(batch, channels, rows, 2, columns, 2)
    cells = cells.permute(0, 1, 2, 4, 3, 5).reshape(batch, channels, rows, columns, 4)
    switches = cells.argmax(dim=-1)
    return cells.gather(-1, switches[..., None])[..., 0], switches


def unpool(x: Tensor, switches: Tensor, size: tuple[int, int]) -> Tensor:
    """Put each value where the maximum was, and zeros elsewhere (Zeiler & Fergus; SegNet, figure 3).

    Args:
        x: ``(B, C, h, w)``.
        switches: of :func:`pool_with_switches`, of the same shape.
        size: rows and columns that were pooled, ``2 h`` or one more, and ``2 w`` or one more.

    Returns:
        ``(B, C, *size)``.
    """
    batch, channels, rows, columns = x.shape
    places = torch.arange(4, device=x.device)
    cells = torch.where(switches[..., None] == places, x[..., None], 0.0)
    cells = cells.reshape(batch, channels, rows, columns, 2, 2).permute(0, 1, 2, 4, 3, 5)
    spread = cells.reshape(batch, channels, 2 * rows, 2 * columns)
    return F.pad(spread, (0, size[1] - 2 * columns, 0, size[0] - 2 * rows))
