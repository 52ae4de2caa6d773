"""A sentence cut into phrases that each speak of one part of a photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.language.function_words import FUNCTION_WORDS
from seetell.language.mrf import align, runs

BETA = 1.5
"""Standard deviations of the words' scores for which neighbours stay together: a caption then has two to four phrases."""


def phrases(
    tokens: Sequence[str], scores: np.ndarray, *, known: Sequence[bool] | None = None, beta: float = BETA
) -> list[tuple[int, int]]:
    """Cut a sentence where its words begin to speak of another region.

    Words choose their regions by :func:`seetell.language.mrf.align`. Unlike in the paper, function words and words the
    model does not know have no say, as their scores tell nothing of a place; they go with the word that follows them:
    *a dog*, *on the grass*.

    Args:
        tokens: the sentence's ``T`` words.
        scores: of each word with each region, ``(T, R)``.
        known: which of the words the model knows, all of them when absent.
        beta: the bonus for neighbours with one region, in standard deviations of the scores.

    Returns:
        For each phrase the places of its first word and behind its last, together the whole sentence; none if no word
        has a say.

    Raises:
        UsageError: ``beta`` is negative, or a score is not a finite number.
    """
    known = [True] * len(tokens) if known is None else known
    telling = [place for place, token in enumerate(tokens) if known[place] and token not in FUNCTION_WORDS]
    if not telling:
        return []
    said = scores[telling]
    edges = [telling[run.stop - 1] + 1 for run in runs(said, align(said, beta=beta * float(said.std())))]
    return list(zip([0, *edges[:-1]], [*edges[:-1], len(tokens)], strict=True))
