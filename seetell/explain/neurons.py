"""Cells of a recurrent network that follow what a text is doing: quoting, opening brackets, going along a line.

Karpathy, Johnson & Fei-Fei, "Visualizing and Understanding Recurrent Networks", ICLR workshop 2016, figure 2. There the
cells were found by eye; here they are those whose activation correlates most with what is looked for (Pearson).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

PAIRS = {"“": "”", "„": "“", "«": "»"}
"""Quotation marks that differ at both ends."""

OPENING, CLOSING = "([{", ")]}"


class Neuron(NamedTuple):
    """A cell.

    Attributes:
        layer: from 1 on.
        number: within the layer, from 1 on.
        correlation: of its activation with what was looked for, from −1 to 1.
    """

    layer: int
    number: int
    correlation: float


def inside_quotes(text: str) -> np.ndarray:
    """Return behind which characters of a text a quotation is open, ``(N,)`` bool.

    Known are ``"…"``, ``'…'``, the triple quotes of Python, and typographic ones. A single quote opens only where no
    letter stands before it and it is closed on its line; a backslash takes its meaning from the next character; an
    empty line ends what was not closed, but for triple quotes.
    """
    inside, end, place = np.zeros(len(text), bool), "", 0
    while place < len(text):
        length = 1
        if end:
            if text.startswith(end, place):
                length, end = len(end), ""
            elif text[place] == "\\":
                length = 2
            elif text.startswith("\n\n", place) and len(end) == 1:
                end = ""
        else:
            end = _opened(text, place)
            length = max(1, len(end))
        inside[place : place + length] = bool(end)
        place += length
    return inside


def _opened(text: str, place: int) -> str:
    """Return what closes the quotation that begins at a place; empty where none does."""
    sign = text[place]
    if sign in PAIRS:
        return PAIRS[sign]
    if sign not in "\"'":
        return ""
    if text.startswith(3 * sign, place):
        return 3 * sign
    if sign == '"':
        return sign
    line = text[place + 1 : place + 200].partition("\n")[0]
    return sign if sign in line and not text[place - 1 : place].isalpha() else ""


def inside_brackets(text: str) -> np.ndarray:
    """Return behind which characters of a text a bracket is open, ``(N,)`` bool; an empty line closes all."""
    inside, depth = np.zeros(len(text), bool), 0
    for place, sign in enumerate(text):
        if sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth = max(0, depth - 1)
        elif sign == "\n" and text[place - 1 : place] == "\n":
            depth = 0
        inside[place] = depth > 0
    return inside


def place_in_line(text: str) -> np.ndarray:
    """Return how many characters stand between each character of a text and the end of the line before, ``(N,)``."""
    places, place = np.zeros(len(text)), 0
    for index, sign in enumerate(text):
        place = 0 if sign == "\n" else place + 1
        places[index] = place
    return places


FEATURES: Mapping[str, Callable[[str], np.ndarray]] = {
    "quotes": inside_quotes,
    "brackets": inside_brackets,
    "line": place_in_line,
}
"""What cells are looked for that follow it, by name: a number behind each character of a text."""


def feature_of(text: str, feature: str) -> np.ndarray | None:
    """Return what a feature, one of :data:`FEATURES`, is behind each character of a text, ``(N,)`` float64.

    It is ``None`` where it is the same behind all of them, so that no cell can follow it.
    """
    values = FEATURES[feature](text).astype(np.float64)
    return values if (values != values[:1]).any() else None


def correlations(activations: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each cell with a number behind each character.

    Args:
        activations: ``(N, layers, hidden)``.
        wanted: ``(N,)``, not all the same.

    Returns:
        ``(layers, hidden)``; 0 of a cell that says the same behind all characters.
    """
    said = activations.astype(np.float64) - activations.mean(axis=0, dtype=np.float64)
    target = wanted - wanted.mean()
    spread = np.sqrt((said**2).sum(axis=0) * (target**2).sum())
    products = np.einsum("nlh,n->lh", said, target)
    found: np.ndarray = np.divide(products, spread, out=np.zeros_like(products), where=spread > 1e-12)
    return found


def find_neurons(activations: np.ndarray, wanted: np.ndarray, *, count: int = 3) -> list[Neuron]:
    """Return the cells that follow a feature of a text most closely, or its opposite; the closest first.

    Args:
        activations: behind each of the text's characters, ``(N, layers, hidden)``.
        wanted: the feature, ``(N,)``, such as that of :func:`feature_of`.
        count: of cells.
    """
    found = correlations(activations, wanted)
    best = np.argsort(-np.abs(found), axis=None, kind="stable")[:count]
    places = np.unravel_index(best, found.shape)
    return [
        Neuron(int(layer) + 1, int(number) + 1, float(found[layer, number]))
        for layer, number in zip(*places, strict=True)
    ]
