"""Where a captioner looked for each word: its sentences said once more, a step at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from seetell.errors import BundleError
from seetell.language.decoding import State
from seetell.language.vocabulary import END, START

Look = Callable[[np.ndarray, State], tuple[np.ndarray, State]]
"""Takes the last words ``(N,)`` int64 and the state; gives where it looks ``(N, L)`` and the next state."""


def looked(
    look: Look, state: State, sentences: Sequence[Sequence[int]], grid: tuple[int, int]
) -> list[list[np.ndarray]]:
    """Feed finished sentences to the decoder, word by word, and note where it looks before it says each.

    A search drops and reorders its rows at every word; saying only the best sentence again keeps the search as it is,
    and costs one row a photo.

    Args:
        look: one word further.
        state: the decoder's state before the first word, one row a photo.
        sentences: the numbers of each photo's words, without START and END.
        grid: rows and columns of the ``L`` locations.

    Returns:
        A map ``(H, W)`` for each word of each photo.

    Raises:
        BundleError: the grid has not as many locations as the decoder looks at.
    """
    longest = max(map(len, sentences), default=0)
    fed = np.full((len(sentences), longest + 1), END, np.int64)  # what a sentence that has ended is fed does not matter
    fed[:, 0] = START
    for row, tokens in enumerate(sentences):
        fed[row, 1 : len(tokens) + 1] = tokens
    maps: list[list[np.ndarray]] = [[] for _ in sentences]
    for place in range(longest):
        attention, state = look(fed[:, place], state)
        if attention.shape[1] != math.prod(grid):
            raise BundleError(
                f"the model attends to {attention.shape[1]} places, but the sizes.grid of its model.json is "
                f"{grid[0]}×{grid[1]}; export the model again"
            )
        for row, tokens in enumerate(sentences):
            if place < len(tokens):
                maps[row].append(attention[row].reshape(grid))
    return maps
