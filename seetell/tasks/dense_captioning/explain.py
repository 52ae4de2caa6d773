"""Which regions of an image can be explained: each phrase by its log-probability at the region's place.

In a covered image the region is not looked for anew: the region head reads the same box there, and the captioner says
how likely it finds the phrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seetell.errors import NotPredictedError, PhotoError, UsageError, unknown
from seetell.explain.explained import MOST_NAMED, Explained
from seetell.language.tokenizer import tokenize
from seetell.photos.opening import PhotoSource
from seetell.results import Regions
from seetell.runtime.predictor import Predictor
from seetell.tasks.dense_captioning.predict import DenseCaptioner

MOST = 100
"""Regions among which names are looked for."""

TOP = 6
"""Regions that are explained where none is asked for."""


def explain(predictor: Predictor[Any, Regions], image: PhotoSource, text: str, names: Sequence[str]) -> Explained:
    """Return regions as targets; see :data:`seetell.explain.explained.Explain`.

    Args:
        predictor: of a bundle.
        image: whose regions are described.
        text: none.
        names: phrases of regions, or words of them; the regions of highest score when there are none.

    Raises:
        PhotoError: no region is found.
        UsageError: the model is no bundle, no phrase has a name, or there is a text.
    """
    if not isinstance(predictor, DenseCaptioner):
        raise UsageError(f"{predictor.name} gives no probabilities of phrases of regions; expected a bundle")
    if text:
        raise UsageError("regions are described without a text; name phrases, or words of them, instead")
    found = predictor.predict(image, top=MOST)
    if not len(found):
        raise PhotoError("no region is found in the image, so there is none to explain")
    chosen = [region for region in found if _named(region.text, names)] if names else list(found.top(TOP))
    for name in names:
        if not any(_named(region.text, [name]) for region in found):
            phrases = dict.fromkeys(region.text for region in found)
            raise NotPredictedError(f"the image: {unknown('phrase', name, phrases, most=MOST_NAMED)}")
    boxes = np.array([region.box for region in chosen]) / np.tile(found.size, 2)
    tokens = [predictor.bundle.require_vocabulary().encode(tokenize(region.text)) for region in chosen]

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        return predictor.phrase_logprobs([predictor.prepare(each) for each in images], boxes, tokens)

    answer = ", ".join(region.text for region in chosen)
    return Explained(answer, tuple(region.text for region in chosen), score, boxes=[each.box for each in chosen])


def _named(phrase: str, names: Sequence[str]) -> bool:
    """Return whether a phrase is one of some names, or has one as a word."""
    asked = {name.strip().lower() for name in names}
    return phrase.lower() in asked or not asked.isdisjoint(tokenize(phrase))
