"""Where the parts of a prediction come from, for a predictor of any task that declares what can be explained.

>>> import seetell
>>> from seetell.tasks.explanation import explain
>>> explain(seetell.load(), "photo.jpg", names=["dog"]).parts[0].maps[0].values
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from seetell.errors import UsageError, unknown
from seetell.explain.explained import Explained, Score
from seetell.explain.methods import BLACK_BOX, GRADIENTS, METHODS, OWN, gradient_method
from seetell.explain.occlusion import CELLS, occlusion
from seetell.extras import require
from seetell.geometry.boxes import Box
from seetell.photos.opening import PhotoSource, open_photo
from seetell.photos.preprocessing import largest
from seetell.results import Explanation, Explanations, HeatMap
from seetell.runtime.predictor import Predictor
from seetell.tasks.registry import find_task, tasks

Value = TypeVar("Value")

SIDE = 512
"""Longest side, in pixels, of the copies that are covered, where the model's input is no larger."""


def check_methods(task_name: str, methods: Sequence[str]) -> None:
    """Check before a model is loaded that its task can be explained by some methods.

    Raises:
        UsageError: it cannot, or a method is unknown or not installed.
    """
    task = find_task(task_name)
    able = [other for other in tasks().values() if other.explain]
    if not task.explain:
        names = ", ".join(other.command or other.name for other in able)
        raise UsageError(f"{task.name.replace('_', ' ')} cannot be explained; models of these tasks can: {names}")
    for method in methods:
        if method not in METHODS:
            raise UsageError(unknown("method", method, METHODS))
        if method in GRADIENTS:
            if not task.network:
                names = ", ".join(other.command or other.name for other in able if other.network)
                raise UsageError(
                    f"{method} needs gradients, which {task.name} has none of; it is for models of these tasks: {names}"
                )
            require("train", f"the method {method}")


def at_once(work: Callable[[], Value]) -> Value:
    """Do a piece of work."""
    return work()


def explain(
    predictor: Predictor[Any, Any],
    photo: PhotoSource,
    *,
    text: str = "",
    names: Sequence[str] = (),
    methods: Sequence[str] = (),
    cells: int = CELLS,
    progress: Callable[[str, int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    run: Callable[[Callable[[], Any]], Any] = at_once,
) -> Explanations:
    """Explain a prediction for one image.

    Args:
        predictor: of a task that declares what can be explained.
        photo: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
        text: that goes with the image, such as a search; for captions a sentence instead of the model's own.
        names: of the parts to explain, such as words; the task's own choice when there are none.
        methods: of :data:`seetell.explain.methods.METHODS`; occlusion, and the model's own maps where it has such, when
            there are none.
        cells: of occlusion's map along each side.
        progress: called with the method, how much of it is done and of how much.
        tell: called with what a user should know of how the model reads the text.
        run: does each piece of work with the model, such as scoring a batch of images, and returns what it returns; for
            models that are shared with others.

    Raises:
        PhotoError: the image cannot be used.
        UsageError: the task cannot be explained in this way, a name is no part of the prediction, or a method is
            unknown, not installed, or needs what the model lacks.
    """
    check_methods(predictor.task, methods)
    source = photo if isinstance(photo, (str, os.PathLike, bytes, np.ndarray, Image.Image)) else photo.read()
    image = open_photo(source)
    task = find_task(predictor.task)
    explained: Explained = run(lambda: task.load("explain")(predictor, source, text, list(names)))
    if tell is not None and explained.note:
        tell(explained.note)
    chosen = list(dict.fromkeys(methods)) or [*explained.maps, BLACK_BOX]
    for method in chosen:
        if method in OWN and method not in explained.maps:
            raise UsageError(f"{predictor.name} has no {method} to show; leave it out")
    seen = predictor.visible_box(image.size)
    maps: list[list[HeatMap]] = [[] for _ in explained.targets]

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        scores: np.ndarray = run(lambda: explained.score(images))
        return scores

    whole = score([source])[0]
    needs_gradients = any(each in GRADIENTS for each in chosen)
    network = run(lambda: task.load("network")(predictor, image, explained)) if needs_gradients else None
    for method in chosen:
        if method == BLACK_BOX:
            _add_occlusion(maps, score, image, predictor, cells, progress)
        elif method in GRADIENTS:
            for target, found in enumerate(maps):
                values = run(partial(gradient_method(method), network, target))
                found.append(HeatMap(method, values, seen))
                if progress is not None:
                    progress(method, target + 1, len(maps))
        else:
            for found, own in zip(maps, explained.maps[method], strict=True):
                if own is not None:
                    found.append(HeatMap(method, own, seen))
    boxes: Sequence[Box | None] = explained.boxes or [None] * len(maps)
    parts = zip(explained.targets, whole.tolist(), map(tuple, maps), boxes, strict=True)
    return Explanations(explained.answer, tuple(Explanation(*part) for part in parts), image.size, predictor.name)


def _add_occlusion(
    maps: Sequence[list[HeatMap]],
    score: Score,
    image: Image.Image,
    predictor: Predictor[Any, Any],
    cells: int,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    """Add the map of each target by occlusion, over what the model sees of the image itself, without borders."""
    left, top, right, bottom = predictor.visible_box(image.size)
    seen = max(left, 0.0), max(top, 0.0), min(right, float(image.width)), min(bottom, float(image.height))
    smaller, scale = _smaller(image, predictor)
    box: Box = tuple(edge * scale for edge in seen)  # type: ignore[assignment]
    done = None if progress is None else lambda done, total: progress(BLACK_BOX, done, total)
    for found, values in zip(maps, occlusion(score, smaller, box=box, cells=cells, progress=done), strict=True):
        found.append(HeatMap(BLACK_BOX, values, seen))


def _smaller(image: Image.Image, predictor: Predictor[Any, Any]) -> tuple[Image.Image, float]:
    """Return the image as it is covered: no larger than makes a difference to the model; and its scale."""
    side = max((SIDE, *largest(predictor.preprocessings))) if predictor.preprocessings else 2 * SIDE
    if max(image.size) <= side:
        return image, 1.0
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3), scale
