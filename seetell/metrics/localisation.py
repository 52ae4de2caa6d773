"""Phrase localisation: predicted boxes and points of phrases against the ground truth.

- **R@1 at IoU 0.5** (Plummer et al. 2015, "Flickr30k Entities"): the share of phrases whose predicted box has an
  intersection over union of at least 0.5 with the true one. If a phrase has several boxes, the true one is the smallest
  box around them all, as in the authors' evaluation. (Kamath et al. 2021, MDETR, call this merged boxes; their any-box
  figures accept any single one and are not comparable.)
- **The pointing game** (Zhang et al. 2016, "Top-down neural attention by excitation backprop"): the share of phrases
  whose predicted point lies in one of the boxes. Unlike theirs, it has no margin of 15 pixels around the boxes, and is
  the share of all phrases, not the mean over types.

Every mention of an entity with boxes counts, whatever its type; a phrase of two types counts in both and once overall.
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
"""Least intersection over union of a correct box."""


class PhotoPhrases(Protocol):
    """The phrases of one photo.

    Attributes:
        boxes: the true boxes of each phrase in pixels, ``(N, 4)`` each, at least one.
        types: types of each phrase.
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
    """Phrases and their ground truth.

    Attributes:
        boxes: the true boxes of each phrase in pixels, ``(N, 4)`` each, at least one.
        types: the types of each phrase, possibly none.
        sizes: width and height of each phrase's photo in pixels, ``(P, 2)``.
    """

    boxes: tuple[Boxes, ...]
    types: tuple[tuple[str, ...], ...]
    sizes: Boxes

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if not count or len(self.types) != count or self.sizes.shape != (count, 2):
            raise DataError(
                f"expected boxes, types and sizes of the same number of phrases, at least one; got {count}, "
                f"{len(self.types)} and an array of shape {self.sizes.shape}"
            )
        wrong = next(
            (boxes.shape for boxes in self.boxes if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes)), None
        )
        if wrong is not None:
            raise DataError(f"boxes: expected at least one box of 4 numbers for each phrase, got shape {wrong}")

    @classmethod
    def gather(cls, photos: Sequence[PhotoPhrases]) -> LocatedPhrases:
        """Collect the phrases of photos.

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
    """Localisation scores.

    Attributes:
        phrases: number of phrases.
        recall: R@1 at IoU 0.5 in per cent; ``None`` without predicted boxes.
        pointing: accuracy of the pointing game in per cent; ``None`` without predicted points.
    """

    phrases: int
    recall: float | None
    pointing: float | None


@dataclass(frozen=True)
class LocalisationScores:
    """Localisation scores of all phrases and of each type.

    Attributes:
        overall: scores of all phrases.
        by_type: scores of the phrases of each type, in the order of the types' first phrases.
    """

    overall: Localisation
    by_type: dict[str, Localisation]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)


def localisation(
    phrases: LocatedPhrases, *, boxes: Boxes | None = None, points: Boxes | None = None
) -> LocalisationScores:
    """Score predicted boxes and points of phrases.

    Args:
        phrases: the ground truth.
        boxes: predicted box of each, ``(P, 4)`` in pixels.
        points: predicted point of each as x and y, ``(P, 2)`` in pixels.

    Raises:
        DataError: neither is given, or a shape is wrong.
    """
    if boxes is None and points is None:
        raise DataError("expected boxes or points for the phrases, got neither")
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
    """Return the centre of each phrase's photo, ``(P, 2)``, a baseline of the pointing game."""
    return phrases.sizes / 2


def whole_photos(phrases: LocatedPhrases) -> Boxes:
    """Return the box over each phrase's whole photo, ``(P, 4)``."""
    return np.concatenate([np.zeros_like(phrases.sizes), phrases.sizes], axis=1)


def constant_boxes(phrases: LocatedPhrases, box: Sequence[float]) -> Boxes:
    """Return one box in each phrase's photo, ``(P, 4)``.

    Args:
        phrases: the phrases.
        box: ``xyxy``, normalised to [0, 1].
    """
    return np.asarray(box, np.float64) * np.tile(phrases.sizes, 2)


def fit_constant_box(phrases: LocatedPhrases) -> tuple[float, float, float, float]:
    """Find the box that is correct for the most phrases if predicted for all, a baseline that ignores the photos.

    Tries all boxes on a grid of eighths, then moves the best on ever finer grids while it improves; ties go to the
    greater mean overlap.

    Args:
        phrases: phrases of the training photos.

    Returns:
        ``xyxy``, normalised to [0, 1].
    """
    true = phrases.enclosing() / np.tile(phrases.sizes, 2)  # stretching a photo changes no intersection over union

    def objective(candidates: Boxes) -> Boxes:
        overlaps = (iou(true, box) for box in candidates)
        return np.array([np.count_nonzero(overlap >= THRESHOLD) + overlap.mean() for overlap in overlaps])

    spans = np.array([(low, high) for high in range(9) for low in range(high)]) / 8
    across, down = np.repeat(spans, len(spans), axis=0), np.tile(spans, (len(spans), 1))
    candidates = np.stack([across[:, 0], down[:, 0], across[:, 1], down[:, 1]], axis=1)
    objectives = objective(candidates)
    best, highest = candidates[objectives.argmax()], objectives.max()
    moves = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    for step in (1 / 16, 1 / 32, 1 / 64):
        improved = True
        while improved:
            candidates = np.clip(best + step * moves, 0.0, 1.0)
            objectives = objective(candidates)
            improved = bool(objectives.max() > highest)
            if improved:
                best, highest = candidates[objectives.argmax()], objectives.max()
    x0, y0, x1, y1 = best.tolist()
    return x0, y0, x1, y1
