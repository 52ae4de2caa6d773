"""Phrase localisation: a heat map over the encoder's grid, a point and a box for every phrase.

Letters: ``N`` phrases, ``L`` cells of the grid, ``rows × columns`` of them, row by row, ``H`` length of an
embedding.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import UsageError
from seetell.logistic import sigmoid
from seetell.runtime.sessions import Graph
from seetell.tasks.retrieval.embeddings import SentenceEmbeddings

STEEPNESS, CENTRING, OFFSET = 1.5, 8.0, 1.0
"""Constants of the probabilities in :func:`ground_zero_shot`, tuned for R@1 on phrases of Flickr30k Entities: half or
twice one of them costs less than two points of a hundred."""


@dataclass(frozen=True, eq=False)
class Grounding:
    """Where phrases are in one image.

    Attributes:
        boxes: ``(N, 4)`` float32, xyxy normalised to [0, 1].
        points: ``(N, 2)`` float32, the most probable location as x and y, normalised in the same way.
        scores: ``(N,)`` float32, confidence, higher is better: how likely the box is right, or the predicted
            intersection over union with the true box or, without a grounding head, the maximum cosine of the phrase and
            a cell.
        heat: ``(N, rows, columns)`` float32, each map at least 0 and of sum 1.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    heat: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


def phrase_vectors(sentences: SentenceEmbeddings, spans: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Return the mean of each phrase's words and its last word, in the common space.

    Args:
        sentences: those that the phrases are part of.
        spans: for each phrase the index of its sentence, its first word and the word after its last.

    Returns:
        ``(N, 2·H)`` float32.

    Raises:
        UsageError: a span is empty or not in its sentence.
    """
    starts = np.cumsum([0, *(len(tokens) for tokens in sentences.tokens)])
    phrases = []
    for sentence, start, stop in spans:
        if not (0 <= sentence < len(sentences) and 0 <= start < stop <= len(sentences.tokens[sentence])):
            raise UsageError(f"expected the index of a sentence and a span of its words, got {sentence, start, stop}")
        first = starts[sentence]
        words = sentences.words[first + start : first + stop]
        phrases.append(np.concatenate([words.mean(axis=0), words[-1]]))
    return np.stack(phrases) if phrases else np.zeros((0, 2 * sentences.words.shape[1]), np.float32)


def ground_with_head(
    graph: Graph, features: Mapping[str, np.ndarray], phrases: np.ndarray, size: tuple[int, int]
) -> Grounding:
    """Localise phrases with a head that was trained on boxes.

    Args:
        graph: the head.
        features: ``grid`` of the image, ``(1, L, D)``, and ``detections``, ``(1, K, 6)``, for a head that reads them.
        phrases: see :func:`phrase_vectors`, ``(N, 2·H)``.
        size: rows and columns of the grid.
    """
    if not len(phrases):
        empty = np.zeros((0, 4), np.float32)
        return Grounding(empty, empty[:, :2], empty[:, 0], np.zeros((0, *size), np.float32))
    outputs = ["heat", "boxes", "overlaps"]
    heat, boxes, overlaps = graph.run({**features, "phrases": phrases}, outputs)
    maps = heat.reshape(-1, *size)
    return Grounding(boxes, heatmap_peaks(maps), overlaps, maps)


def ground_zero_shot(phrases: np.ndarray, cells: np.ndarray, grid: tuple[int, int]) -> Grounding:
    """Localise phrases by how well each cell of the grid fits their words, without training on boxes.

    The probability that a cell belongs to the phrase is σ(a·z − c·d² + o): z is its product with the phrase in standard
    deviations from the mean of all cells, and d its distance from the centre, where photographers put their subject.
    The box is the rectangle of cells with the maximum expected intersection over expected union.

    Args:
        phrases: in the common space, ``(N, H)``.
        cells: in the same space, ``(L, H)``, of length 1 or not.
        grid: rows and columns.
    """
    products = phrases @ cells.T
    rows, columns = grid
    centres = cell_centres(grid)
    spread = products - products.mean(axis=1, keepdims=True)
    spread /= spread.std(axis=1, keepdims=True) + 1e-6
    logits = STEEPNESS * spread - CENTRING * np.square(centres - 0.5).sum(axis=1) + OFFSET
    probabilities = sigmoid(logits)
    sides, inside = _rectangles(grid)
    shared = probabilities @ inside.T
    overlaps = shared / (probabilities.sum(axis=1, keepdims=True) + inside.sum(axis=1) - shared)
    best = overlaps.argmax(axis=1)
    boxes = sides[best] / np.array([columns, rows, columns, rows])
    heat = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
    lengths = np.linalg.norm(phrases, axis=1)[:, None] * np.linalg.norm(cells, axis=1)
    scores = (products / (lengths + 1e-6)).max(axis=1, initial=-1).astype(np.float32)
    maps = heat.reshape(-1, rows, columns)
    return Grounding(boxes.astype(np.float32), heatmap_peaks(maps), scores, maps)


def heatmap_peaks(heat: np.ndarray) -> np.ndarray:
    """Return the peaks of heat maps.

    Each cell is averaged with its eight neighbours first, so that a peak is in the middle of a warm area, not at its
    edge.

    Args:
        heat: ``(N, rows, columns)``.

    Returns:
        x and y normalised to [0, 1], ``(N, 2)`` float32.
    """
    phrases, rows, columns = heat.shape
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = itertools.product(range(3), range(3))
    smooth = sum(padded[:, down : down + rows, across : across + columns] for down, across in shifts)
    peaks = np.asarray(smooth).reshape(phrases, rows * columns).argmax(axis=1)
    points: np.ndarray = cell_centres((rows, columns))[peaks]
    return points.astype(np.float32)


def cell_centres(grid: tuple[int, int]) -> np.ndarray:
    """Return the centre of each cell as x and y normalised to [0, 1], ``(L, 2)``."""
    rows, columns = grid
    down, across = np.divmod(np.arange(rows * columns), columns)
    return np.stack([(across + 0.5) / columns, (down + 0.5) / rows], axis=1)


@functools.lru_cache(maxsize=4)
def _rectangles(grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return all rectangles of cells, ``(K, 4)`` xyxy, and whether each contains each cell, ``(K, L)`` float32."""
    sides = np.array(
        [
            (left, top, right, bottom)
            for top, bottom in itertools.combinations(range(grid[0] + 1), 2)
            for left, right in itertools.combinations(range(grid[1] + 1), 2)
        ]
    )
    down, across = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    left, top, right, bottom = sides.T[:, :, None]
    inside = (left <= across) & (across < right) & (top <= down) & (down < bottom)
    return sides, inside.astype(np.float32)
