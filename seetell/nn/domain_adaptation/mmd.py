"""Maximum mean discrepancy with several kernels: how far apart two sets of features are, as a loss.

Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, and Long et al., "Learning Transferable Features with Deep
Adaptation Networks", ICML 2015 (DAN), section 3. The kernel is the mean of Gaussians around the median distance.
Departures: the kernels have equal weights, and their factors are powers of 2 from 1/4 to 4; and the estimate takes all
pairs of a batch, where DAN's takes each photo once to be linear in time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the median squared distance: the bandwidths of the kernels."""


def median_squared_distance(vectors: Tensor) -> Tensor:
    """Return the median squared distance of different vectors of ``(N, D)``, a scalar."""
    return torch.pdist(vectors).square().median()


def gaussian_kernel(first: Tensor, second: Tensor, bandwidths: Sequence[float] | Tensor) -> Tensor:
    """Return the mean of Gaussians exp(−‖x − y‖² / γ) over the bandwidths γ.

    Args:
        first: ``(N, D)``.
        second: ``(M, D)``.
        bandwidths: squared lengths.

    Returns:
        ``(N, M)``, from 0 to 1.
    """
    squares = first.square().sum(dim=1)[:, None] + second.square().sum(dim=1) - 2 * first @ second.T
    squares = squares.clamp(min=0)
    total = torch.zeros_like(squares)
    for bandwidth in bandwidths:
        total = total + torch.exp(-squares / bandwidth)
    return total / len(bandwidths)


def squared_mmd(
    source: Tensor, target: Tensor, bandwidths: Sequence[float] | Tensor, *, unbiased: bool = True
) -> Tensor:
    """Return the squared maximum mean discrepancy: E k(s, s′) + E k(t, t′) − 2 E k(s, t).

    Args:
        source: ``(N, D)``, at least two.
        target: ``(M, D)``, at least two.
        bandwidths: of the Gaussians, squared lengths; see :data:`FACTORS`.
        unbiased: leave the pairs of a vector with itself out, so that sets of one distribution have the expectation 0
            (Gretton's equation 3), as a loss needs it: with them (equation 5) it is never negative and 0 for equal
            sets, but falls when all vectors of a domain move together.
    """
    within = [_within(gaussian_kernel(vectors, vectors, bandwidths), unbiased) for vectors in (source, target)]
    return within[0] + within[1] - 2 * gaussian_kernel(source, target, bandwidths).mean()


def _within(kernel: Tensor, unbiased: bool) -> Tensor:
    count = len(kernel)
    if not unbiased:
        return kernel.mean()
    return (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))
