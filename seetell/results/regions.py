"""Boxes with a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from seetell.results.items import Items


@dataclass(frozen=True)
class Point:
    """A named point of an object, such as a joint.

    Attributes:
        text: its name.
        x: from the left edge of the image, in pixels.
        y: from the upper edge.
        score: the model's confidence that it is there, from 0 to 1; 1 from models that have none.
    """

    text: str
    x: float
    y: float
    score: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"text": self.text, "x": round(self.x, 2), "y": round(self.y, 2), "score": round(self.score, 6)}


@dataclass(frozen=True)
class Region:
    """A box with a text.

    Attributes:
        text: what is in the box, such as a phrase.
        box: ``xyxy`` in pixels of the image.
        score: the model's confidence; comparable between regions of one model.
        points: key points of what is in the box; empty from models that find none.
    """

    text: str
    box: tuple[float, float, float, float]
    score: float
    points: tuple[Point, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``points`` only if there are some."""
        content: dict[str, Any] = {
            "text": self.text,
            "box": [round(edge, 2) for edge in self.box],
            "score": round(self.score, 6),
        }
        return content | {"points": [point.to_dict() for point in self.points]} if self.points else content


@dataclass(frozen=True)
class Regions(Items[Region]):
    """Regions of an image; iterable, and indexed by rank.

    Attributes:
        regions: highest score first; lines of text are in reading order.
        size: width and height of the upright image in pixels.
        model: name of the bundle that found them.
        skeleton: pairs of points of each region that are joined, by their places.
        problem: what is missing, and why; empty where nothing is.
    """

    shape: ClassVar[str] = "regions"
    regions: tuple[Region, ...]
    size: tuple[int, int]
    model: str
    skeleton: tuple[tuple[int, int], ...] = ()
    problem: str = ""

    def top(self, n: int) -> Regions:
        """Return the ``n`` regions of highest score."""
        return replace(self, regions=self.regions[:n])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``skeleton`` and ``problem`` only if there is one."""
        content: dict[str, Any] = {
            "regions": [region.to_dict() for region in self.regions],
            "size": list(self.size),
            "model": self.model,
        }
        if self.skeleton:
            content["skeleton"] = [list(pair) for pair in self.skeleton]
        if self.problem:
            content["problem"] = self.problem
        return content


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
