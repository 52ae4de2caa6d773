"""What every part hands on: frozen results with ``to_dict()`` for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Word:
    """One word of a caption.

    Attributes:
        text: the word.
        logprob: natural logarithm of the probability the model gave it, at most 0.
        attention: where the model looked, ``(H, W)`` float32 summing to 1, if that was asked for; not compared
            when words are.
    """

    text: str
    logprob: float
    attention: np.ndarray | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        row: dict[str, Any] = {"text": self.text, "logprob": self.logprob}
        if self.attention is not None:
            row["attention"] = self.attention.tolist()
        return row

    def to_row(self) -> dict[str, Any]:
        """Return its part of :meth:`Caption.to_row`."""
        row: dict[str, Any] = {"text": self.text, "logprob": _number(self.logprob)}
        if self.attention is not None:
            row["attention"] = self.attention.astype(float).round(6).tolist()
        return row


@dataclass(frozen=True)
class Caption:
    """A sentence for a photo.

    Attributes:
        text: the sentence.
        words: its words in order.
        logprob: sum of the words' log-probabilities and that of ending there.
        model: name of the bundle that said it.
    """

    text: str
    words: tuple[Word, ...]
    logprob: float
    model: str

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "text": self.text,
            "words": [word.to_dict() for word in self.words],
            "logprob": self.logprob,
            "model": self.model,
        }

    def to_row(self, image: str) -> dict[str, Any]:
        """Return what programs are told of a captioned photo: a JSON line, an answer of the server.

        Args:
            image: the photo as the user named it.

        Returns:
            ``image``, ``caption``, ``logprob``, ``words``, ``model``, numbers rounded. A log-probability of minus
            infinity, which JSON does not know, is ``None``.
        """
        return {
            "image": image,
            "caption": self.text,
            "logprob": _number(self.logprob),
            "words": [word.to_row() for word in self.words],
            "model": self.model,
        }


@dataclass(frozen=True)
class Region:
    """A part of a photo and what a model says of it.

    Attributes:
        box: ``xyxy`` in float pixels of the photo, edges between pixels.
        caption: the phrase.
        score: how sure the model is; regions of a photo are ordered by it.
    """

    box: tuple[float, float, float, float]
    caption: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"box": list(self.box), "caption": self.caption, "score": self.score}


@dataclass(frozen=True)
class Regions:
    """What is where on a photo: regions to go through, to count and to choose from by their place.

    Attributes:
        found: the surest first.
        size: the photo's width and height in pixels, upright.
        model: name of the bundle that found them.
    """

    found: tuple[Region, ...]
    size: tuple[int, int]
    model: str

    def __iter__(self) -> Iterator[Region]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place: int) -> Region:
        return self.found[place]

    def first(self, top: int) -> Regions:
        """Keep so many of the surest."""
        return replace(self, found=self.found[:top])

    def to_row(self, image: str) -> dict[str, Any]:
        """Return what programs are told of a photo's regions: a JSON line, an answer of the server.

        Args:
            image: the photo as the user named it.

        Returns:
            ``image``, ``regions``, ``size``, ``model``, numbers rounded.
        """
        rows = [
            {
                "box": [round(edge, 2) for edge in region.box],
                "caption": region.caption,
                "score": round(region.score, 6),
            }
            for region in self.found
        ]
        return {"image": image, "regions": rows, "size": list(self.size), "model": self.model}


@dataclass(frozen=True)
class Segment:
    """A run of a sentence's words, and the part of a photo that they speak of.

    Attributes:
        text: the words.
        box: ``xyxy`` in float pixels of the photo, edges between pixels.
        score: how sure the model is of the box, higher is better.
    """

    text: str
    box: tuple[float, float, float, float]
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"text": self.text, "box": list(self.box), "score": self.score}


@dataclass(frozen=True)
class Alignment:
    """A sentence laid over a photo.

    Attributes:
        sentence: as it was given.
        segments: its words in order, as many as the model reads, in lower case; none if it knows none of them.
        score: how well the sentence fits the photo, higher is better; compares sentences and photos.
        size: the photo's width and height in pixels, upright.
        model: name of the bundle.
    """

    sentence: str
    segments: tuple[Segment, ...]
    score: float
    size: tuple[int, int]
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "sentence": self.sentence,
            "segments": [segment.to_dict() for segment in self.segments],
            "score": self.score,
            "size": list(self.size),
            "model": self.model,
        }


def _number(logprob: float) -> float | None:
    return round(logprob, 6) if math.isfinite(logprob) else None
