"""Views of training images with their boxes: a part of an image enlarged, or the image made smaller on the mean colour.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2 and 3.6, where the shape of an image changes
as well: what is learnt of boxes should not depend on where an object happens to lie, or how large it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

LEAST_KEPT = 0.5
"""Share of a box that must lie in a view."""

LEAST_AREA = 64
"""Pixels of a box within a view."""


@dataclass(frozen=True)
class View:
    """A part of an image, or all of it and a margin, of the shape of the image.

    Attributes:
        share: of the image's sides that is seen; above 1 there is a margin.
        centre: ``(2,)`` across and down, from -1 to 1 in the image.
    """

    share: float
    centre: tuple[float, float]

    @classmethod
    def draw(cls, scale: tuple[float, float], random: np.random.Generator) -> View:
        """Draw a view in which sides are between ``scale[0]`` and ``scale[1]`` times as long."""
        share = 1 / random.uniform(*scale)
        across, down = random.uniform(-1, 1, 2) * abs(1 - share)
        return cls(share, (float(across), float(down)))

    def boxes(self, boxes: Tensor, *, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return where boxes lie in the view.

        Args:
            boxes: ``(N, 4)`` ``xyxy`` in pixels of the image.
            size: width and height of image and view, in pixels.

        Returns:
            The parts of all boxes that lie in the view, ``(N, 4)`` ``xyxy`` in its pixels, and which of them are large
            enough to learn from, ``(N,)``: half of a box is seen, and 64 pixels.
        """
        half = torch.tensor(size, dtype=boxes.dtype).repeat(2) / 2
        middle = half * (1 + torch.tensor(self.centre, dtype=boxes.dtype).repeat(2))
        moved = (boxes - middle) / self.share + half
        seen = moved.clamp(min=0).minimum(2 * half)
        area = _area(seen)
        return seen, (area > LEAST_KEPT * _area(moved)) & (area > LEAST_AREA)

    def pixels(self, image: Tensor) -> Tensor:
        """Return the view of a normalised image ``(3, H, W)``; its margin has the mean colour."""
        across, down = self.centre
        places = torch.tensor([[[self.share, 0.0, across], [0.0, self.share, down]]])
        grid = F.affine_grid(places, [1, *image.shape], align_corners=False)
        return F.grid_sample(image[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
