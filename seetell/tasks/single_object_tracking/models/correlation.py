"""Cross-correlation of the features of a search window with those of the exemplar, in the ways of three papers.

Letters: ``B`` pairs, ``C`` channels, ``K`` kernels, ``h × w`` cells of a kernel, ``H × W`` of the window. Kernels have
a leading axis of ``B``, or of 1 for windows that are all compared with one exemplar, as when an object is followed.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cross_correlation(search: Tensor, kernels: Tensor) -> Tensor:
    """Return how well the exemplar fits at each place, one map a kernel (SiamFC; the up-channel form of SiamRPN).

    Args:
        search: ``(B, C, H, W)``.
        kernels: ``(B, K, C, h, w)``.

    Returns:
        ``(B, K, H - h + 1, W - w + 1)``.
    """
    if kernels.shape[0] == 1:
        return F.conv2d(search, kernels[0])
    pairs, count, channels, *size = kernels.shape
    together = search.reshape(1, pairs * channels, *search.shape[2:])
    response = F.conv2d(together, kernels.reshape(pairs * count, channels, *size), groups=pairs)
    return response.reshape(pairs, count, *response.shape[2:])


def depthwise_correlation(search: Tensor, kernels: Tensor) -> Tensor:
    """Return one map a channel (SiamRPN++).

    Args:
        search: ``(B, C, H, W)``.
        kernels: ``(B, C, h, w)``.

    Returns:
        ``(B, C, H - h + 1, W - w + 1)``.
    """
    pairs, channels, *size = kernels.shape
    if pairs == 1:
        return F.conv2d(search, kernels.reshape(channels, 1, *size), groups=channels)
    together = search.reshape(1, pairs * channels, *search.shape[2:])
    response = F.conv2d(together, kernels.reshape(pairs * channels, 1, *size), groups=pairs * channels)
    return response.reshape(pairs, channels, *response.shape[2:])
