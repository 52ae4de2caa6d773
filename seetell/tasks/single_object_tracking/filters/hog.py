"""Histograms of oriented gradients, 31 channels.

Felzenszwalb, Girshick, McAllester & Ramanan, "Object Detection with Discriminatively Trained Part-Based Models", TPAMI
2010, section 6.2: 18 signed and 9 unsigned orientations, each normalised by the four blocks of 2 × 2 cells that a cell
belongs to, and four sums of gradient energy. As in Dollár's toolbox, cells at the border are kept: blocks that reach
beyond it repeat its energy.

Letters: ``N`` images, ``h × w`` cells.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SIGNED, UNSIGNED = 18, 9
CHANNELS = SIGNED + UNSIGNED + 4
TRUNCATION = 0.2
TEXTURE = 1 / np.sqrt(SIGNED)
"""Weight of the sums of gradient energy, 0.2357."""

EPSILON = 1e-4


def hog(images: np.ndarray, cell: int = 4) -> np.ndarray:
    """Return the histograms of images.

    Args:
        images: ``(N, H, W, C)`` of 0 to 255; of several colours, each pixel's steepest counts.
        cell: pixels of its side; what is left over at the right and the bottom is left out.

    Returns:
        ``(N, 31, h, w)`` float32, from 0 to about 1.
    """
    count = len(images)
    rows, columns = images.shape[1] // cell, images.shape[2] // cell
    pixels = images[:, : rows * cell, : columns * cell].astype(np.float32)
    magnitude, orientation = _gradients(pixels / 255)
    votes = np.zeros((magnitude.size, SIGNED), np.float32)
    votes[np.arange(magnitude.size), orientation.ravel()] = magnitude.ravel()
    height, width = magnitude.shape[1:]
    down = _bilinear(rows, cell) @ votes.reshape(count, height, width * SIGNED)  # (N, h, W · 18)
    signed = _bilinear(columns, cell) @ down.reshape(count, rows, width, SIGNED)  # (N, h, w, 18)
    return _normalised(signed)


def _gradients(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the length and the direction, in 20° from 0 to 17, of the gradients of pixels ``(N, H, W, C)``."""
    across, down = np.empty_like(pixels), np.empty_like(pixels)
    across[:, :, 1:-1] = pixels[:, :, 2:] - pixels[:, :, :-2]
    across[:, :, 0], across[:, :, -1] = pixels[:, :, 1] - pixels[:, :, 0], pixels[:, :, -1] - pixels[:, :, -2]
    down[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
    down[:, 0], down[:, -1] = pixels[:, 1] - pixels[:, 0], pixels[:, -1] - pixels[:, -2]
    squared = across * across + down * down
    steepest = squared.argmax(axis=-1)[..., None]
    x, y, energy = (np.take_along_axis(each, steepest, axis=-1)[..., 0] for each in (across, down, squared))
    orientation = np.rint(np.arctan2(y, x) * (UNSIGNED / np.pi)).astype(np.intp) % SIGNED
    return np.sqrt(energy), orientation


@lru_cache(maxsize=64)
def _bilinear(cells: int, cell: int) -> np.ndarray:
    """Return the share ``(cells, cells · cell)`` that each pixel of a row has in each cell, by the nearness of both."""
    places = (np.arange(cells * cell) + 0.5) / cell - 0.5
    shares: np.ndarray = np.maximum(0, 1 - np.abs(places[None, :] - np.arange(cells)[:, None])).astype(np.float32)
    return shares


def _normalised(signed: np.ndarray) -> np.ndarray:
    """Return the channels ``(N, 31, h, w)`` of histograms ``(N, h, w, 18)``."""
    unsigned = signed[..., :UNSIGNED] + signed[..., UNSIGNED:]
    energy = np.pad((unsigned * unsigned).sum(axis=-1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    pairs = energy[:, 1:] + energy[:, :-1]
    blocks = pairs[:, :, 1:] + pairs[:, :, :-1]  # (N, h + 1, w + 1), each of 2 × 2 cells
    factors = 1 / (np.sqrt(blocks) + EPSILON)
    count, rows, columns, _ = signed.shape
    channels = np.zeros((count, rows, columns, CHANNELS), np.float32)
    for number, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        factor = factors[:, row : row + rows, column : column + columns, None]
        clipped = np.minimum(signed * factor, TRUNCATION)
        channels[..., :SIGNED] += clipped
        channels[..., SIGNED : SIGNED + UNSIGNED] += np.minimum(unsigned * factor, TRUNCATION)
        channels[..., SIGNED + UNSIGNED + number] = clipped.sum(axis=-1) * TEXTURE
    channels[..., : SIGNED + UNSIGNED] *= 0.5
    return np.ascontiguousarray(channels.transpose(0, 3, 1, 2))
