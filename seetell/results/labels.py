"""Classes of images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from seetell.results.items import Items


@dataclass(frozen=True)
class Label:
    """A class of an image.

    Attributes:
        text: the name of the class.
        score: its probability.
    """

    text: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"text": self.text, "score": round(self.score, 6)}


@dataclass(frozen=True)
class Labels(Items[Label]):
    """Classes of an image; iterable, and indexed by rank.

    Attributes:
        labels: highest probability first.
        model: name of the bundle.
        box: where the object is that the first label is of, ``xyxy`` in pixels of the image; ``None`` where the model
            does not say.
        size: width and height of the upright image in pixels, if there is a box.
    """

    shape: ClassVar[str] = "labels"
    labels: tuple[Label, ...]
    model: str
    box: tuple[float, float, float, float] | None = None
    size: tuple[int, int] | None = None

    def top(self, n: int) -> Labels:
        """Return the ``n`` labels of highest probability."""
        return replace(self, labels=self.labels[:n])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``box`` and ``size`` only if there is a box."""
        content: dict[str, Any] = {"labels": [label.to_dict() for label in self.labels]}
        if self.box is not None and self.size is not None:
            content |= {"box": [round(edge, 2) for edge in self.box], "size": list(self.size)}
        return {**content, "model": self.model}
