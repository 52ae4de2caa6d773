"""What a task's ``evaluate`` takes and returns, and the pass over a data set's images that all of them make.

``evaluate(predictor, data, *, split="val", progress=None, **options)`` scores a task's predictor on a ``split``,
``train``, ``val`` or ``test``, of a data set (:class:`DataOptions`); ``progress`` is called after each image, and
``options`` are those of the predictor, such as ``beam_size``, and further ones of the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from seetell.data.records import AnyPhoto, PhotoDataset
from seetell.errors import DataError, PhotoError

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many images are done, and their total."""


Result = TypeVar("Result")


@dataclass(frozen=True)
class DataOptions:
    """The data set to evaluate on.

    Attributes:
        path: its folder or file.
        format: its format; detected if ``None``.
        photos: the folder of the images; looked for around ``path`` if ``None``.
    """

    path: Path
    format: str | None = None
    photos: Path | None = None


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a split of a data set.

    Attributes:
        scores: the metrics by name, and ``photos``, the number of images scored.
        failures: why images could not be used, one message each.
        details: scores too long for a model card.
        rows: the predictions, JSON-ready.
        notes: what a user should know of how the data set was read, a line each.
        rows_format: how a file of them is written: one JSON list, or an object per line.
    """

    scores: Mapping[str, Any]
    failures: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Mapping[str, Any], ...] = ()
    rows_format: Literal["json", "jsonl"] = "jsonl"
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return all scores, ready for JSON."""
        return {**self.scores, **self.details}


def images_of(dataset: PhotoDataset[AnyPhoto], split: str) -> tuple[AnyPhoto, ...]:
    """Return the images of a split.

    Raises:
        DataError: there are none.
    """
    images = dataset.split(split)
    if not images:
        raise DataError(f"{dataset.source}: no photos in the split {split!r}; see: seetell data check {dataset.source}")
    return images


def collect(
    what: str, images: Sequence[AnyPhoto], results: Iterable[Result | PhotoError], progress: Progress | None
) -> tuple[list[tuple[AnyPhoto, Result]], tuple[str, ...]]:
    """Go through the results of images.

    Args:
        what: is being done, for ``progress``.
        images: at least one.
        results: one per image, in order.
        progress: called after each.

    Returns:
        The images that worked with their results, and the messages of those that failed.

    Raises:
        DataError: none worked.
    """
    worked, failures = [], []
    for done, (image, result) in enumerate(zip(images, results, strict=True), 1):
        if isinstance(result, PhotoError):
            failures.append(str(result))
        else:
            worked.append((image, result))
        if progress is not None:
            progress(what, done, len(images))
    if not worked:
        raise DataError(f"none of the {len(images)} photos opens; the first: {failures[0]}")
    return worked, tuple(failures)
