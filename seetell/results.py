"""What predictors return: one frozen dataclass per result shape, each with a JSON-ready ``to_dict()``.

Boxes are ``xyxy`` in float pixels of the upright image, edges between pixels. ``to_dict`` rounds: box edges to two
decimals, scores, log-probabilities and attention to six. :func:`row` is the JSON line of one image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np


@dataclass(frozen=True)
class Word:
    """One word of a caption.

    Attributes:
        text: the word.
        logprob: natural logarithm of its probability, at most 0.
        attention: the attention map while the word was predicted, ``(H, W)`` float32 summing to 1, if it was asked
            for; ignored when words are compared.
    """

    text: str
    logprob: float
    attention: np.ndarray | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; a ``logprob`` of minus infinity is ``None``."""
        content: dict[str, Any] = {"text": self.text, "logprob": _rounded_logprob(self.logprob)}
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
            has none, or never came to a sentence.
        kind: ``sentence``, or ``tags`` for the shorter reading made from tags.
        reason: why the sentence is withheld, such as "confidence 0.31 is below 0.5"; empty if it is not.
        keywords: what is in the image, lower case and in the singular; ``None`` if they were not asked for.
    """

    shape: ClassVar[str] = "text"
    text: str
    words: tuple[Word, ...]
    logprob: float
    model: str
    confidence: float | None = None
    kind: Literal["sentence", "tags"] = "sentence"
    reason: str = ""
    keywords: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return self.text or self.reason

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON.

        A ``logprob`` that is not finite is ``None``. Withheld, ``caption`` is ``None``, ``reason`` says why, and there
        are neither words nor their probability. ``keywords`` only if they were asked for.
        """
        confidence = None if self.confidence is None else round(self.confidence, 4)
        found = {} if self.keywords is None else {"keywords": list(self.keywords)}
        if self.reason:
            return {"caption": None, "reason": self.reason, "confidence": confidence, **found, "model": self.model}
        return {
            "caption": self.text,
            "confidence": confidence,
            "kind": self.kind,
            "logprob": _rounded_logprob(self.logprob),
            "words": [word.to_dict() for word in self.words],
            **found,
            "model": self.model,
        }


@dataclass(frozen=True)
class Region:
    """A box with a text.

    Attributes:
        text: what is in the box, such as a phrase.
        box: ``xyxy`` in pixels of the image.
        score: the model's confidence; comparable between regions of one model.
    """

    text: str
    box: tuple[float, float, float, float]
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"text": self.text, "box": [round(edge, 2) for edge in self.box], "score": round(self.score, 6)}


@dataclass(frozen=True)
class Regions:
    """Regions of an image; iterable, and indexed by rank.

    Attributes:
        regions: highest score first; lines of text are in reading order.
        size: width and height of the upright image in pixels.
        model: name of the bundle that found them.
    """

    shape: ClassVar[str] = "regions"
    regions: tuple[Region, ...]
    size: tuple[int, int]
    model: str

    def __iter__(self) -> Iterator[Region]:
        return iter(self.regions)

    def __len__(self) -> int:
        return len(self.regions)

    def __getitem__(self, rank: int) -> Region:
        return self.regions[rank]

    def top(self, n: int) -> Regions:
        """Return the ``n`` regions of highest score."""
        return replace(self, regions=self.regions[:n])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "regions": [region.to_dict() for region in self.regions],
            "size": list(self.size),
            "model": self.model,
        }


@dataclass(frozen=True)
class Alignment:
    """A sentence aligned with an image.

    Attributes:
        sentence: as it was given.
        regions: its phrases in order, in lower case, each with its box; words beyond the model's maximum are cut off.
            Empty if the model knows no content word of the sentence.
        score: how well the sentence fits the image, higher is better; comparable between sentences and images.
        size: width and height of the upright image in pixels.
        model: name of the bundle.
        unknown_words: content words of the sentence that the model does not know and left out.
        read_as: content words that it does not know, and the known words that it read instead.
    """

    shape: ClassVar[str] = "regions"
    sentence: str
    regions: tuple[Region, ...]
    score: float
    size: tuple[int, int]
    model: str
    unknown_words: tuple[str, ...] = ()
    read_as: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``unknown_words`` and ``read_as`` only if they are not empty."""
        content: dict[str, Any] = {
            "sentence": self.sentence,
            "regions": [region.to_dict() for region in self.regions],
            "score": round(self.score, 6),
            "size": list(self.size),
            "model": self.model,
        }
        if self.unknown_words:
            content["unknown_words"] = list(self.unknown_words)
        if self.read_as:
            content["read_as"] = dict(self.read_as)
        return content


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
class Labels:
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

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rank: int) -> Label:
        return self.labels[rank]

    def top(self, n: int) -> Labels:
        """Return the ``n`` labels of highest probability."""
        return replace(self, labels=self.labels[:n])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``box`` and ``size`` only if there is a box."""
        content: dict[str, Any] = {"labels": [label.to_dict() for label in self.labels]}
        if self.box is not None and self.size is not None:
            content |= {"box": [round(edge, 2) for edge in self.box], "size": list(self.size)}
        return {**content, "model": self.model}


@dataclass(frozen=True)
class Mask:
    """The pixels of an image that show one thing, or everything of one class.

    Attributes:
        text: what they show, such as the name of a class.
        score: the model's confidence in [0, 1]; for a class of a semantic map the mean over its pixels.
        share: of the image's pixels.
        box: the smallest box around the pixels, ``xyxy``; of an instance, the detector's.
        counts: the pixels as COCO's compressed run lengths, column by column; :func:`seetell.geometry.masks.decode`
            and pycocotools read them.
        index: value of the pixels in a label map, at least 1: the number of the class in a semantic map, otherwise the
            rank.
    """

    text: str
    score: float
    share: float
    box: tuple[float, float, float, float]
    counts: str
    index: int

    def to_dict(self, size: tuple[int, int]) -> dict[str, Any]:
        """Return plain types ready for JSON; ``rle`` is what pycocotools takes.

        Args:
            size: width and height of the image.
        """
        return {
            "text": self.text,
            "score": round(self.score, 6),
            "share": round(self.share, 6),
            "box": [round(edge, 2) for edge in self.box],
            "index": self.index,
            "rle": {"size": [size[1], size[0]], "counts": self.counts},
        }


@dataclass(frozen=True)
class Masks:
    """Masks of an image: its instances, or a semantic map, with one mask for each class that is there; iterable.

    Attributes:
        masks: instances by their score, highest first; classes by their share, largest first.
        size: width and height of the upright image in pixels.
        model: name of the bundle.
    """

    shape: ClassVar[str] = "masks"
    masks: tuple[Mask, ...]
    size: tuple[int, int]
    model: str

    def __iter__(self) -> Iterator[Mask]:
        return iter(self.masks)

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, rank: int) -> Mask:
        return self.masks[rank]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "masks": [mask.to_dict(self.size) for mask in self.masks],
            "size": list(self.size),
            "model": self.model,
        }


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
    """

    text: str
    score: float
    maps: tuple[HeatMap, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "text": self.text,
            "score": _rounded_logprob(self.score),
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


Result = Caption | Regions | Alignment | Labels | Masks | Explanations


def row(image: str, result: Result | Exception) -> dict[str, Any]:
    """Return the JSON row of one image, as the command line prints it and the server answers.

    Args:
        image: the image as the user named it.
        result: what the model returned for it, or why it could not be used.

    Returns:
        ``image`` and the fields of the result's ``to_dict()``; or ``image`` and ``error``.
    """
    if isinstance(result, Exception):
        return {"image": image, "error": str(result).removeprefix(f"{image}: ")}
    return {"image": image, **result.to_dict()}


def _rounded_logprob(logprob: float) -> float | None:
    return round(logprob, 6) if math.isfinite(logprob) else None
