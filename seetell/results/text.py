"""Sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from seetell.results.numbers import rounded_logprob


@dataclass(frozen=True)
class Word:
    """One word of a caption.

    Attributes:
        text: the word.
        logprob: natural logarithm of its probability, at most 0; of a word that was avoided, less what that cost it.
        attention: the attention map while the word was predicted, ``(H, W)`` float32 summing to 1, if it was asked
            for; ignored when words are compared.
    """

    text: str
    logprob: float
    attention: np.ndarray | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; a ``logprob`` of minus infinity is ``None``."""
        content: dict[str, Any] = {"text": self.text, "logprob": rounded_logprob(self.logprob)}
        if self.attention is not None:
            content["attention"] = self.attention.astype(float).round(6).tolist()
        return content


@dataclass(frozen=True)
class Caption:
    """A sentence that describes an image, or why it got none.

    Attributes:
        text: the sentence; empty if it is withheld.
        words: its words in order; none of what is made from tags.
        logprob: sum of the log-probabilities of the words and of the end of the sentence; not a number where nothing
            was generated.
        model: name of the bundle that generated it.
        confidence: calibrated probability that everything the sentence names is in the image; ``None`` if the model
            has none, or never came to a sentence; of the words in the image, that of the least certain line.
        kind: ``sentence``; ``tags`` for the shorter reading made from tags; ``written`` for the words in the image.
        reason: why the sentence is withheld, such as "confidence 0.31 is below 0.5"; empty if it is not.
        keywords: what is in the image, lower case and in the singular; ``None`` if they were not asked for.
        written: the lines that are written in the image; ``None`` if it was not read.
        written_confidence: calibrated probability that each of them was read without a mistake.
    """

    shape: ClassVar[str] = "text"
    text: str
    words: tuple[Word, ...]
    logprob: float
    model: str
    confidence: float | None = None
    kind: Literal["sentence", "tags", "written"] = "sentence"
    reason: str = ""
    keywords: tuple[str, ...] | None = None
    written: tuple[str, ...] | None = None
    written_confidence: tuple[float, ...] = ()

    def __str__(self) -> str:
        return self.text or self.reason

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of the words and of the end of the sentence."""
        return self.logprob / (len(self.words) + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON.

        A ``logprob`` that is not finite is ``None``. Withheld, ``caption`` is ``None``, ``reason`` says why, and there
        are neither words nor their probability. ``keywords``, and ``written`` with its confidence, only if they were
        asked for.
        """
        confidence = None if self.confidence is None else round(self.confidence, 4)
        asked = {"keywords": self.keywords, "written": self.written}
        found: dict[str, list[Any]] = {name: list(values) for name, values in asked.items() if values is not None}
        if self.written is not None:
            found["written_confidence"] = [round(each, 4) for each in self.written_confidence]
        if self.reason:
            return {"caption": None, "reason": self.reason, "confidence": confidence, **found, "model": self.model}
        return {
            "caption": self.text,
            "confidence": confidence,
            "kind": self.kind,
            "logprob": rounded_logprob(self.logprob),
            "words": [word.to_dict() for word in self.words],
            **found,
            "model": self.model,
        }
