"""Saliency: how strongly the score depends on each pixel.

Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks", ICLR workshop 2014, section 3: the magnitude of the
gradient of the score, in its largest channel.
"""

from __future__ import annotations

import numpy as np

from seetell.explain.network import ScoredNetwork, as_map, gradients


def saliency(network: ScoredNetwork, target: int) -> np.ndarray:
    """Return ``max_c |∂score / ∂x_c|``, ``(H, W)``."""
    return as_map(gradients(network.scores, network.image, target).abs().amax(dim=1))
