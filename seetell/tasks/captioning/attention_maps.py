"""Attention maps of finished captions, by feeding them to the decoder once more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from seetell.errors import BundleError
from seetell.language.decoding import State
from seetell.language.vocabulary import END, START

AttentionStep = Callable[[np.ndarray, State], tuple[np.ndarray, State]]
"""Takes the last words ``(N,)`` int64 and the state; returns attention weights ``(N, L)`` and the next state."""


def attention_maps(
    step: AttentionStep, state: State, sentences: Sequence[Sequence[int]], grid: tuple[int, int]
) -> list[list[np.ndarray]]:
    """Feed finished sentences to the decoder, word by word, and keep its attention before each.

    A search drops and reorders its rows at every word. Feeding only the best sentence again leaves the search alone,
    and costs one row per image.

    Args:
        step: advances by one word.
        state: the decoder's state before the first word, one row per image.
        sentences: the word indices of each image's caption, without START and END.
        grid: rows and columns of the ``L`` locations.

    Returns:
        For each image one map ``(H, W)`` per word.

    Raises:
        BundleError: the decoder attends to another number of locations than the grid has.
    """
    longest = max(map(len, sentences), default=0)
    fed = np.full((len(sentences), longest + 1), END, np.int64)  # what follows the end of a sentence is ignored
    fed[:, 0] = START
    for row, tokens in enumerate(sentences):
        fed[row, 1 : len(tokens) + 1] = tokens
    maps: list[list[np.ndarray]] = [[] for _ in sentences]
    for place in range(longest):
        attention, state = step(fed[:, place], state)
        if attention.shape[1] != math.prod(grid):
            raise BundleError(
                f"the model attends to {attention.shape[1]} locations, but the settings.grid of its model.json is "
                f"{grid[0]}×{grid[1]}; export the model again"
            )
        for row, tokens in enumerate(sentences):
            if place < len(tokens):
                maps[row].append(attention[row].reshape(grid))
    return maps
