"""What of a prediction can be explained: names, and a function that scores them in other images.

It is the one seam between the methods and the tasks: a task's part ``explain`` is called with a predictor, an image,
the user's text and the names that were asked for, and returns an :class:`Explained`. All a method without torch needs
of a model is ``score``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seetell.errors import NotPredictedError, unknown
from seetell.geometry.boxes import Box
from seetell.photos.opening import PhotoSource

MOST_NAMED = 20
"""Names of what can be explained that a message lists; of more, a few near ones."""

Score = Callable[[Sequence[PhotoSource]], np.ndarray]
"""Takes ``N`` images, such as the one that is explained and covered copies of it, ``(H, W, 3)`` uint8; returns the
scores of the ``K`` targets in each, ``(N, K)`` float64, higher where the model is surer."""


@dataclass(frozen=True)
class Explained:
    """A prediction whose parts can be explained.

    Attributes:
        answer: the prediction in words, such as the caption.
        targets: ``K`` names of what is explained, such as words of the caption.
        score: see :data:`Score`.
        maps: the model's own maps by name, such as ``attention``: for each target ``(H, W)`` over the part of the image
            that the model sees, or ``None``.
        note: what a user should know of how the model reads the text.
        boxes: of the targets that have a place of their own, ``xyxy`` in pixels of the image; empty where none has.
    """

    answer: str
    targets: tuple[str, ...]
    score: Score
    maps: Mapping[str, Sequence[np.ndarray | None]] = field(default_factory=dict)
    note: str = ""
    boxes: Sequence[Box] = ()


Explain = Callable[[Any, PhotoSource, str, Sequence[str]], Explained]
"""A task's part ``explain``: takes the predictor, the image, the text that goes with it (empty for none) and the names
asked for (none for the task's own choice). Raises a ``UsageError`` where a name is none that can be explained."""


def chosen(kind: str, names: Sequence[str], wanted: Iterable[str], *, whole: str) -> list[int]:
    """Return the places of names that were asked for, all of them where none was.

    Args:
        kind: of thing named, such as ``word``, for the error.
        names: those that there are; one may be there several times.
        wanted: by the user, in any case.
        whole: what they are parts of, for the error, such as ``the caption 'a dog runs'``.

    Raises:
        NotPredictedError: a name is not there.
    """
    wanted = [name.strip() for name in wanted]
    if not wanted:
        return list(range(len(names)))
    lower = [name.lower() for name in names]
    for name in wanted:
        if name.lower() not in lower:
            raise NotPredictedError(f"{whole}: {unknown(kind, name, dict.fromkeys(names), most=MOST_NAMED)}")
    asked = {name.lower() for name in wanted}
    return [place for place, name in enumerate(lower) if name in asked]
