"""Texts that a model wrote of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seetell.results.numbers import rounded_logprob


@dataclass(frozen=True)
class Passage:
    """A text that a model went on with, of no image.

    Attributes:
        text: what the model wrote, the ``prime`` before it.
        prime: what it was given to go on from; may be empty.
        logprob: natural logarithm of the probability that the model gives to what it wrote, at most 0.
        model: name of the bundle.
    """

    shape: ClassVar[str] = "passage"
    text: str
    prime: str
    logprob: float
    model: str

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; a ``logprob`` that is not finite is ``None``."""
        logprob = rounded_logprob(self.logprob)
        return {"text": self.text, "prime": self.prime, "logprob": logprob, "model": self.model}
