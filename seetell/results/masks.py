"""Pixels with a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seetell.results.items import Items


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
class Masks(Items[Mask]):
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

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "masks": [mask.to_dict(self.size) for mask in self.masks],
            "size": list(self.size),
            "model": self.model,
        }
