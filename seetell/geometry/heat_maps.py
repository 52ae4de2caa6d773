"""Heat maps of key points over boxes: where in the image the most probable cell is.

He et al., "Mask R-CNN", ICCV 2017, section 5, as Detectron reads its maps: the logits of a point are interpolated to as
many rows and columns as the box has pixels, by cubic convolution, and the point is at the centre of the greatest.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from seetell.geometry.boxes import Box
from seetell.geometry.key_points import Points

_FINEST = 1024
"""Rows and columns that a map is interpolated to at most."""


def points_of(logits: npt.NDArray[np.floating], box: Box) -> Points:
    """Return the points of an object.

    Args:
        logits: of each point's cells in the box, ``(K, M, M)``.
        box: ``xyxy`` in pixels of the image.

    Returns:
        ``(K, 3)``: x, y, and the greatest probability of a cell.
    """
    left, top, right, bottom = box
    columns, rows = (min(_FINEST, max(1, math.ceil(side))) for side in (right - left, bottom - top))
    points = np.zeros((len(logits), 3))
    for place, cells in enumerate(logits):
        finer = np.asarray(Image.fromarray(cells.astype(np.float32)).resize((columns, rows), Image.Resampling.BICUBIC))
        row, column = divmod(int(finer.argmax()), columns)
        x, y = left + (column + 0.5) * (right - left) / columns, top + (row + 0.5) * (bottom - top) / rows
        points[place] = x, y, 1 / np.exp(cells - cells.max()).sum()
    return points
