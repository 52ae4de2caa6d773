"""Phrase localisation: is the place that a model gives for a phrase where people drew boxes for it?

- **R@1 at IoU 0.5** (Plummer et al. 2015, "Flickr30k Entities"): the share of phrases whose one given box has an
  intersection over union of at least 0.5 with the true one. Where people drew several boxes for a phrase, the true one
  is the smallest box around them all, as in the authors' evaluation, which knows one box for a phrase. (Kamath et al.
  2021, MDETR, call this merged boxes; their any-box figures accept any single one and do not compare.)
- **The pointing game** (Zhang et al. 2016, "Top-down neural attention by excitation backprop"): the share of phrases
  whose one given point lies in one of the boxes. Their margin of 15 pixels around the boxes is not granted, and the
  share is that of all phrases, not the mean over types.

Every mention of an entity that has boxes counts, whatever its type; a phrase of two types counts in both and once
overall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError
from seetell.geometry.boxes import Boxes, contains, enclosing, iou

THRESHOLD = 0.5
"""The intersection over union from which a box is right."""


class PhotoPhrases(Protocol):
    """The phrases of one photo.

    Attributes:
        boxes: the true boxes of each phrase in pixels, ``(N, 4)`` each, at least one.
        types: of each phrase.
        size: width and height of the photo.
    """

    @property
    def boxes(self) -> Sequence[Boxes]: ...

    @property
    def types(self) -> Sequence[tuple[str, ...]]: ...

    @property
    def size(self) -> tuple[int, int]: ...


@dataclass(frozen=True)
class LocatedPhrases:
    """Phrases and where they are.

    Attributes:
        boxes: the true boxes of each phrase in pixels, ``(N, 4)`` each, at least one.
        types: the types of each phrase, possibly none.
        sizes: width and height of each phrase's photo in the same pixels, ``(P, 2)``.
    """

    boxes: tuple[Boxes, ...]
    types: tuple[tuple[str, ...], ...]
    sizes: Boxes

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if not count or len(self.types) != count or self.sizes.shape != (count, 2):
            raise DataError(
                f"expected boxes, types and sizes of as many phrases, at least one; got {count}, {len(self.types)} and "
                f"an array of shape {self.sizes.shape}"
            )
        wrong = next(
            (boxes.shape for boxes in self.boxes if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes)), None
        )
        if wrong is not None:
            raise DataError(f"boxes: expected at least one box of 4 numbers for each phrase, got shape {wrong}")

    @classmethod
    def gather(cls, photos: Sequence[PhotoPhrases]) -> LocatedPhrases:
        """Put the phrases of photos in one row.

        Raises:
            DataError: there are none.
        """
        return cls(
            tuple(boxes for photo in photos for boxes in photo.boxes),
            tuple(types for photo in photos for types in photo.types),
            np.array([photo.size for photo in photos for _ in photo.boxes], np.float64).reshape(-1, 2),
        )

    def enclosing(self) -> Boxes:
        """Return the smallest box around those of each phrase, ``(P, 4)``."""
        return np.stack([enclosing(boxes) for boxes in self.boxes])


@dataclass(frozen=True)
class Localisation:
    """How many phrases were found, in per cent.

    Attributes:
        phrases: how many there are.
        recall: those whose box is right, R@1 at IoU 0.5; ``None`` if no boxes were given.
        pointing: those whose point is right; ``None`` if no points were given.
    """

    phrases: int
    recall: float | None
    pointing: float | None


@dataclass(frozen=True)
class LocalisationScores:
    """The figures of all phrases and of each type.

    Attributes:
        overall: of all phrases.
        by_type: of the phrases of each type, in the order of the types' first phrases.
    """

    overall: Localisation
    by_type: dict[str, Localisation]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)


def localisation(
    phrases: LocatedPhrases, *, boxes: Boxes | None = None, points: Boxes | None = None
) -> LocalisationScores:
    """Score the places given for phrases.

    Args:
        phrases: where they are.
        boxes: the box given for each, ``(P, 4)``.
        points: the point given for each as x and y, ``(P, 2)``.

    Raises:
        DataError: neither is given, or a shape is wrong.
    """
    if boxes is None and points is None:
        raise DataError("expected boxes or points given for the phrases, got neither")
    count = len(phrases.boxes)
    found = pointed = None
    if boxes is not None:
        _check_shape("boxes", boxes, (count, 4))
        found = iou(phrases.enclosing(), boxes) >= THRESHOLD
    if points is not None:
        _check_shape("points", points, (count, 2))
        lengths = [len(own) for own in phrases.boxes]
        inside = contains(np.concatenate(phrases.boxes), np.repeat(points, lengths, axis=0))
        pointed = np.logical_or.reduceat(inside, np.cumsum([0, *lengths[:-1]]))
    names = dict.fromkeys(name for types in phrases.types for name in types)
    members = {name: np.array([name in types for types in phrases.types]) for name in names}
    return LocalisationScores(
        _share(np.ones(count, np.bool_), found, pointed),
        {name: _share(chosen, found, pointed) for name, chosen in members.items()},
    )


def _check_shape(name: str, given: Boxes, shape: tuple[int, int]) -> None:
    if given.shape != shape:
        raise DataError(f"{name}: expected one for each phrase, of shape {shape}, got {given.shape}")


def _share(
    chosen: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_] | None, pointed: npt.NDArray[np.bool_] | None
) -> Localisation:
    recall, pointing = (None if right is None else 100 * float(right[chosen].mean()) for right in (found, pointed))
    return Localisation(int(chosen.sum()), recall, pointing)


def centre_points(phrases: LocatedPhrases) -> Boxes:
    """Return the middle of each phrase's photo, ``(P, 2)``: what pointing scores without looking."""
    return phrases.sizes / 2


def whole_photos(phrases: LocatedPhrases) -> Boxes:
    """Return the box over each phrase's whole photo, ``(P, 4)``."""
    return np.concatenate([np.zeros_like(phrases.sizes), phrases.sizes], axis=1)


def constant_boxes(phrases: LocatedPhrases, box: Sequence[float]) -> Boxes:
    """Return one box in each phrase's photo, ``(P, 4)``.

    Args:
        phrases: where to place it.
        box: ``xyxy`` as shares of the photo's width and height.
    """
    return np.asarray(box, np.float64) * np.tile(phrases.sizes, 2)


def fit_constant_box(phrases: LocatedPhrases) -> tuple[float, float, float, float]:
    """Find the box that is right for the most phrases if it is given for all, the best that can be done blindly.

    All boxes on a grid of eighths are tried, then the best is moved on ever finer grids while that helps; of boxes that
    are right as often, that of the greater mean overlap is the better.

    Args:
        phrases: those of the training photos.

    Returns:
        ``xyxy`` as shares of the photo's width and height.
    """
    true = phrases.enclosing() / np.tile(phrases.sizes, 2)  # stretching a photo changes no intersection over union

    def objective(candidates: Boxes) -> Boxes:
        overlaps = (iou(true, box) for box in candidates)
        return np.array([np.count_nonzero(overlap >= THRESHOLD) + overlap.mean() for overlap in overlaps])

    spans = np.array([(low, high) for high in range(9) for low in range(high)]) / 8
    across, down = np.repeat(spans, len(spans), axis=0), np.tile(spans, (len(spans), 1))
    candidates = np.stack([across[:, 0], down[:, 0], across[:, 1], down[:, 1]], axis=1)
    objectives = objective(candidates)
    best, most = candidates[objectives.argmax()], objectives.max()
    moves = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    for step in (1 / 16, 1 / 32, 1 / 64):
        improved = True
        while improved:
            candidates = np.clip(best + step * moves, 0.0, 1.0)
            objectives = objective(candidates)
            improved = bool(objectives.max() > most)
            if improved:
                best, most = candidates[objectives.argmax()], objectives.max()
    x0, y0, x1, y1 = best.tolist()
    return x0, y0, x1, y1
