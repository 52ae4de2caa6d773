"""Rate captions by the tags of their images, and say less, or nothing, where that is not likely enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seetell.results import Caption
from seetell.tasks.captioning.confidence import Calibration, by_name, evidence
from seetell.tasks.captioning.keywords import keywords
from seetell.tasks.captioning.tag_reading import tag_reading


class Rater:
    """Gives captions their confidence, and replaces those that have too little.

    Args:
        calibration: of the model.
        objects: names of the object classes that its tagger finds, in their order.
        words: what its word detectors detect, in their order.
    """

    def __init__(self, calibration: Calibration, objects: Sequence[str], words: Sequence[str]) -> None:
        self._calibration, self._objects, self._words = calibration, objects, words

    def __call__(
        self, captions: Sequence[Caption], tags: Mapping[str, np.ndarray], *, min_confidence: float
    ) -> list[Caption]:
        """Rate the captions of a batch.

        Args:
            captions: of ``B`` images.
            tags: ``presence`` ``(B, O)``, ``words`` ``(B, W)`` and ``object_boxes`` ``(B, O, 5)`` of the images, see
                :class:`~seetell.runtime.tags.ImageTags`.
            min_confidence: a caption with less is replaced by a reading of the tags that has as much, or withheld.
        """
        presence = by_name(self._objects, tags["presence"])
        counts = by_name(self._objects, tags["object_boxes"][:, :, 4])
        words = by_name(self._words, tags["words"])
        return [
            self._rated(*row, min_confidence=min_confidence)
            for row in zip(captions, presence, counts, words, strict=True)
        ]

    def keywords(self, captions: Sequence[Caption], tags: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
        """Return the keywords of a batch; see :func:`~seetell.tasks.captioning.keywords.keywords`.

        Args:
            captions: their sentences, as they were generated.
            tags: see :meth:`__call__`.
        """
        presence, words = by_name(self._objects, tags["presence"]), by_name(self._words, tags["words"])
        return [
            keywords([word.text for word in caption.words], self._calibration, *found)
            for caption, *found in zip(captions, presence, words, strict=True)
        ]

    def _rated(
        self,
        caption: Caption,
        presence: Mapping[str, float],
        counts: Mapping[str, float],
        words: Mapping[str, float],
        *,
        min_confidence: float,
    ) -> Caption:
        tokens = [word.text for word in caption.words]
        found = evidence(tokens, max(caption.mean_logprob, -30.0), presence, words, self._calibration.words)
        confidence = self._calibration.confidence(found)
        if confidence >= min_confidence:
            return replace(caption, confidence=confidence)
        reading = tag_reading(self._calibration, presence, counts, words, min_confidence=min_confidence)
        if reading is not None:
            return Caption(reading.text, (), float("nan"), caption.model, reading.confidence, "tags")
        reason = f"confidence {confidence:.2f} is below {min_confidence:g}"
        return withheld(reason, caption.model, confidence)


def withheld(reason: str, model: str, confidence: float | None = None) -> Caption:
    """Return the caption of an image that gets none.

    Args:
        reason: why.
        model: name of the bundle.
        confidence: of the sentence that was generated, if one was.
    """
    return Caption("", (), float("nan"), model, confidence, reason=reason)
