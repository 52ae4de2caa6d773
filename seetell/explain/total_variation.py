"""Total variation, which keeps pictures smooth that are optimised."""

from __future__ import annotations

from torch import Tensor


def total_variation(images: Tensor, *, beta: float = 2.0) -> Tensor:
    """Return ``R_β = Σ ((x[i, j+1] − x[i, j])² + (x[i+1, j] − x[i, j])²)^(β/2)``, a scalar.

    Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015, equation 4; the sum is
    over channels and over the pixels that have both neighbours.

    Args:
        images: ``(B, C, H, W)``.
        beta: 2 for a quadratic penalty; 1 is the usual total variation, which keeps edges.
    """
    across = images[..., :-1, 1:] - images[..., :-1, :-1]
    down = images[..., 1:, :-1] - images[..., :-1, :-1]
    squares = across.square() + down.square()
    return squares.sum() if beta == 2 else (squares + 1e-8).pow(beta / 2).sum()
