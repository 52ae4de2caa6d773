"""Word detectors that find in copies of photos what they find in the photos."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from copy_features import DetectorInputs
from torch import Tensor
from word_detectors import WordDetectors

COPY_WEIGHT = 3.0
"""Of a copy, beside a photo."""
PENALTY = 3000.0
"""Of squared changes of the weights, beside the squared differences of logits."""


@torch.no_grad()
def consistent_words(
    detectors: WordDetectors, before: Sequence[DetectorInputs], versions: Sequence[Sequence[DetectorInputs]]
) -> WordDetectors:
    """Return detectors whose logits of photos and copies are near those of the photos before.

    The linear part changes by ridge regression (Hoerl & Kennard, 1970) of what is left to explain.

    Args:
        detectors: to begin with.
        before: what they read of photos with the encoder that they were fitted to.
        versions: for each entry of ``before`` what they read of its photos now, then of copies.
    """
    fitted = copy.deepcopy(detectors)
    rows, targets = [], []
    for photos, own in zip(before, versions, strict=True):
        expected = _logits(detectors, photos)
        for place, seen in enumerate(own):
            weight = (COPY_WEIGHT if place else 1.0) ** 0.5
            inputs = detectors.standardised(detectors.inputs(*seen))
            rows.append(weight * torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1))
            targets.append(weight * (expected - _logits(detectors, seen)))
    x, y = torch.cat(rows).double(), torch.cat(targets).double()
    change = torch.linalg.solve(x.T @ x + PENALTY * torch.eye(x.shape[1], dtype=x.dtype, device=x.device), x.T @ y)
    fitted.linear.weight.data += change[:-1].T.float()
    fitted.linear.bias.data += change[-1].float()
    return fitted


def _logits(detectors: WordDetectors, seen: DetectorInputs) -> Tensor:
    linear: Tensor = detectors.linear(detectors.standardised(detectors.inputs(*seen)))
    return linear + detectors.prior_gain * detectors.opinion(seen.objects)
