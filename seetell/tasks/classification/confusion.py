"""The confusion matrix, and a picture of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from seetell.drawing.fonts import choose_font

SIDE, TEXT, MARGIN = 28, 14, 12
NAMED = 60
"""With more labels than this, cells are small and have no names."""


def confusion_matrix(true: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Count how often each label was predicted for each true one.

    Args:
        true: labels of images, each among ``labels``.
        predicted: as many.
        labels: ``K``, in their order.

    Returns:
        Counts ``(K, K)`` int64, rows by true label.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    cells = [numbers[row] * len(labels) + numbers[column] for row, column in zip(true, predicted, strict=True)]
    return np.bincount(cells, minlength=len(labels) ** 2).reshape(len(labels), len(labels))


def draw_confusion(matrix: np.ndarray, labels: Sequence[str]) -> Image.Image:
    """Draw a confusion matrix: the darker a cell, the larger its share of its row; hits green, mistakes red.

    Args:
        matrix: as of :func:`confusion_matrix`, ``(K, K)``.
        labels: ``K`` names.
    """
    count = len(labels)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ink = np.where(np.eye(count, dtype=bool)[:, :, None], (0, 109, 44), (165, 15, 21))
    colours = (255 - shares[:, :, None] * (255 - ink)).round().astype(np.uint8)
    side = SIDE if count <= NAMED else max(1, 1000 // count)
    cells = Image.fromarray(colours).resize((count * side, count * side), Image.Resampling.NEAREST)
    if count > NAMED:
        return cells
    named = [choose_font(label, TEXT) for label in labels]
    room = round(max(font.getlength(text) for text, font in named)) + 2 * MARGIN
    picture = Image.new("RGB", (room + cells.width + MARGIN, room + cells.height + MARGIN), "white")
    picture.paste(cells, (room, room))
    columns = Image.new("RGB", (room, cells.height), "white")  # written in rows, then turned
    draw, turned = ImageDraw.Draw(picture), ImageDraw.Draw(columns)
    for row, (text, font) in enumerate(named):
        middle = (row + 0.5) * side
        draw.text((room - MARGIN, room + middle), text, fill="black", font=font, anchor="rm")
        turned.text((MARGIN, middle), text, fill="black", font=font, anchor="lm")
    picture.paste(columns.transpose(Image.Transpose.ROTATE_90), (room, 0))
    for row, column in zip(*np.nonzero(matrix), strict=True):
        centre = (room + (column + 0.5) * side, room + (row + 0.5) * side)
        colour = "white" if shares[row, column] > 0.5 else "black"
        text, font = choose_font(str(matrix[row, column]), TEXT)
        draw.text(centre, text, fill=colour, font=font, anchor="mm")
    return picture
