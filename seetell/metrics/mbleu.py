"""mBLEU (Shetty et al. 2017, "Speaking the same language"): how much the captions of one photo repeat each other.

Each caption's BLEU against the other captions of its photo, mean over the captions, then over photos. Low is varied.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.metrics.bleu import bleu
from seetell.metrics.ngrams import Floats, Tokens, check_several


def mutual_bleu(captions: Sequence[Sequence[Tokens]]) -> Floats:
    """Return mBLEU-1 … mBLEU-4 of each photo, from 0 to 1, ``(P, 4)``; the corpus' score is their mean.

    Args:
        captions: the tokenised captions of each photo, at least two.

    Raises:
        DataError: there is no photo, or one has fewer than two captions.
    """
    check_several(captions)
    others = [[*said[:index], *said[index + 1 :]] for said in captions for index in range(len(said))]
    scores = bleu(others, [tokens for said in captions for tokens in said]).per_photo
    counts = np.array([len(said) for said in captions])
    means: Floats = np.add.reduceat(scores, np.cumsum(counts) - counts, axis=0) / counts[:, None]
    return means
