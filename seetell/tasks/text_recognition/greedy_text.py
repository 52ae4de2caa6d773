"""The text that a decoder wrote greedily, character by character."""

from __future__ import annotations

import numpy as np

from seetell.language.ctc_search import Text

END = 0
"""The class that ends a text."""


def greedy_texts(log_probs: np.ndarray) -> list[tuple[Text, float]]:
    """Take the most likely class of each step until the first end.

    Args:
        log_probs: ``(B, S, V)`` of the steps, each given what was most likely at those before.

    Returns:
        Per picture the text and its log-probability, that of its end included if it has one.
    """
    written = log_probs.argmax(axis=2)  # (B, S)
    best = log_probs.max(axis=2)
    ended = written == END
    lengths = np.where(ended.any(axis=1), ended.argmax(axis=1), written.shape[1])
    return [
        (tuple(text[:length].tolist()), float(scores[: length + 1].sum()))
        for text, scores, length in zip(written, best, lengths.tolist(), strict=True)
    ]
