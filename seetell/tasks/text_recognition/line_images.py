"""Pictures of words and lines as an encoder reads them: grey, of one height, those of a batch of one width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from seetell.data.synthetic_text.store import width_in_line
from seetell.photos import Preprocessing

WIDTH_STEP = 32
"""Widths of batches are multiples of this many pixels."""

PADDING = 128
"""Grey to the right of pictures that are narrower than others of their batch."""

Fit = Literal["line", "squash"]


def line_picture(image: Image.Image, preprocessing: Preprocessing, fit: Fit, *, most_width: int = 0) -> np.ndarray:
    """Return a picture at the height of an encoder's input, grey, ``(H, W)`` uint8.

    Args:
        image: of a word or line, of any size.
        preprocessing: the encoder's.
        fit: see :class:`~seetell.tasks.text_recognition.config.TextRecognitionConfig`.
        most_width: of pictures whose aspect ratio is kept; that of the encoder's input when 0.
    """
    size = preprocessing.width, preprocessing.height
    if fit == "line":
        size = width_in_line(image.size, preprocessing.height, most_width or preprocessing.width), preprocessing.height
    return np.asarray(image.convert("L").resize(size, Image.Resampling.BILINEAR))


def stacked(pictures: Sequence[np.ndarray], fit: Fit, *, behind: int = 0) -> np.ndarray:
    """Return pictures as a batch, ``(B, H, W)`` uint8; those that are narrower are padded on the right.

    Args:
        pictures: each ``(H, W)`` uint8.
        fit: how they were made; only those of lines are padded.
        behind: columns of grey behind the widest, too: the end of a line is read better where some follow it, as they
            do in training behind all but the widest of a batch.
    """
    width = max(picture.shape[1] for picture in pictures)
    if fit == "line":
        width += behind
        width += -width % WIDTH_STEP
    batch = np.full((len(pictures), pictures[0].shape[0], width), PADDING, np.uint8)
    for row, picture in zip(batch, pictures, strict=True):
        row[:, : picture.shape[1]] = picture
    return batch


def network_input(batch: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Return pictures ``(B, H, W)`` uint8 as an encoder's input, ``(B, 3, H, W)`` float32."""
    return preprocessing.normalise(np.repeat(batch[..., None], 3, axis=3))


def by_width(pictures: Sequence[np.ndarray], most_columns: int) -> list[list[int]]:
    """Return the numbers of pictures in batches of one padded width: what is read does not depend on the others.

    Args:
        pictures: each ``(H, W)``.
        most_columns: of a batch, all of its pictures together; a wider picture is a batch of its own.
    """
    steps = [-(-picture.shape[1] // WIDTH_STEP) for picture in pictures]
    batches: list[list[int]] = []
    for number in sorted(range(len(pictures)), key=steps.__getitem__):
        width = steps[number] * WIDTH_STEP
        if not batches or steps[batches[-1][0]] != steps[number] or (len(batches[-1]) + 1) * width > most_columns:
            batches.append([])
        batches[-1].append(number)
    return batches
