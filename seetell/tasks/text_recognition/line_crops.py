"""Lines cut out of an image and laid straight."""

from __future__ import annotations

import numpy as np
from PIL import Image

from seetell.geometry.homography import homography

BORDER = 0.12
"""Left around a line, in heights of the line, as around the words that recognisers are trained on."""

LEAST_RISE = 0.1
"""How much higher or lower a line ends than it begins, in its heights, to be laid straight."""


def cut_out(image: Image.Image, corners: np.ndarray) -> Image.Image:
    """Return the part of an image that shows a line, with some border.

    Args:
        image: of any size.
        corners: of the line, ``(4, 2)`` xy, from the top left one clockwise as the text is read.
    """
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if min(width, height) < 1 or abs(across[1]) <= LEAST_RISE * height:
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0)
        border = BORDER * (bottom - top)
        box = max(left - border, 0), max(top - border, 0), right + border, bottom + border
        return image.crop(
            (
                int(box[0]),
                int(box[1]),
                max(int(np.ceil(min(box[2], image.width))), int(box[0]) + 1),
                max(int(np.ceil(min(box[3], image.height))), int(box[1]) + 1),
            )
        )
    along, below = across / width, down / height
    border = BORDER * height
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    outer = np.stack([corner + border * (x * along + y * below) for corner, (x, y) in zip(corners, signs, strict=True)])
    size = max(1, round(width + 2 * border)), max(1, round(height + 2 * border))
    straight = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], float)
    return image.transform(size, Image.Transform.PERSPECTIVE, homography(outer, straight), Image.Resampling.BILINEAR)
