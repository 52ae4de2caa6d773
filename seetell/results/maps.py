"""Where predictions come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from seetell.results.numbers import rounded_logprob


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Where in an image something comes from, by one method.

    Attributes:
        method: such as ``occlusion``.
        values: ``(H, W)``: positive where the image speaks for it, negative where it speaks against it.
        box: the part of the image that the map lies over, ``xyxy`` in its pixels; may extend beyond it.
    """

    method: str
    values: np.ndarray
    box: tuple[float, float, float, float]

    def averaged(self, most: int) -> np.ndarray:
        """Return the values, of more than so many rows or columns the means of blocks of them."""
        values = self.values
        for axis, length in enumerate(values.shape):
            if length > most:
                edges = np.linspace(0, length, most + 1).astype(int)
                values = np.add.reduceat(values, edges[:-1], axis=axis)
                values = values / np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
        return values

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; of more than 32 rows or columns, the means of as many."""
        return {
            "method": self.method,
            "box": [round(edge, 2) for edge in self.box],
            "values": self.averaged(32).astype(float).round(6).tolist(),
        }


@dataclass(frozen=True)
class Explanation:
    """A part of a prediction, and where it comes from.

    Attributes:
        text: the part, such as a word of the caption.
        score: the model's for it in this image, such as a log-probability.
        maps: one of each method.
        box: where it is, ``xyxy`` in pixels of the image, if it has a place of its own, such as an object.
    """

    text: str
    score: float
    maps: tuple[HeatMap, ...]
    box: tuple[float, float, float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``box`` only if it has one."""
        place = {} if self.box is None else {"box": [round(edge, 2) for edge in self.box]}
        return {
            "text": self.text,
            "score": rounded_logprob(self.score),
            **place,
            "maps": [heat_map.to_dict() for heat_map in self.maps],
        }


@dataclass(frozen=True)
class Explanations:
    """A prediction for an image, and where its parts come from.

    Attributes:
        answer: the prediction in words, such as the caption.
        parts: those that were explained.
        size: width and height of the upright image in pixels.
        model: name of the bundle.
    """

    shape: ClassVar[str] = "maps"
    answer: str
    parts: tuple[Explanation, ...]
    size: tuple[int, int]
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "answer": self.answer,
            "explained": [part.to_dict() for part in self.parts],
            "size": list(self.size),
            "model": self.model,
        }
