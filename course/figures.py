"""How the lessons show pictures: in rows, with titles."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize


def show(pictures: Sequence[Any], titles: Sequence[str] = (), *, columns: int = 4, width: float = 2.8) -> list[Axes]:
    """Show pictures in rows.

    Args:
        pictures: of Pillow, or arrays: (H, W, 3) in colour, integers 0–255 or numbers 0–1; (H, W) of any range in grey.
        titles: one each, or none; long ones have several lines.
        columns: of a row, at most.
        width: of a picture, in inches.

    Returns:
        The axes, one a picture, to draw on.
    """
    arrays = [np.asarray(picture) for picture in pictures]
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    tallest = max(array.shape[0] / array.shape[1] for array in arrays)
    _, grid = plt.subplots(
        rows, columns, figsize=(width * columns, (width * tallest + 0.3) * rows), squeeze=False, layout="constrained"
    )
    for axes in grid.flat:
        axes.axis("off")
    shown = list(grid.flat[: len(arrays)])
    for axes, array in zip(shown, arrays, strict=True):
        axes.imshow(array, cmap="gray" if array.ndim == 2 else None, norm=Normalize() if array.ndim == 2 else None)
    for axes, title in zip(shown, titles, strict=False):
        axes.set_title(fill(title, round(14 * width)), fontsize=9)
    return shown
