"""Where predictions come from, over HTTP: which models can be explained, by which methods, and the route's work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from seetell.errors import CheckpointError, UsageError, unknown
from seetell.explain.methods import BLACK_BOX, GRADIENTS, OWN
from seetell.results import row
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.predictor import Predictor
from seetell.tasks.explanation import check_methods, explain
from seetell.tasks.registry import find_task
from seetell.web.errors import ApiError
from seetell.web.uploads import Upload

TEXT_FIELD = "text"
"""Of the form: what goes with the image, such as the sentence that is aligned with it."""

MAX_WORDS = 20
"""Parts of a prediction that one request may name."""

MAX_GRADIENT_WORDS = 3
"""The same for methods that need gradients, of which each takes a pass of its own."""

MAX_CELLS = 12
"""Cells along each side of a map of occlusion."""


@dataclass(frozen=True)
class Asked:
    """What a request wants to know.

    Attributes:
        command: whose prediction is explained.
        words: the parts of it; the task's own choice when there are none.
        methods: of :data:`seetell.explain.methods.METHODS`; attention, where there is such, and occlusion when there
            are none.
        cells: of occlusion's map along each side.
    """

    command: str
    words: Sequence[str]
    methods: Sequence[str]
    cells: int


def explainable(predictors: Mapping[str, Predictor[Any, Any]]) -> dict[str, BundlePredictor[Any, Any]]:
    """Return the predictors whose predictions can be explained: bundles of tasks that declare what can be.

    Models of other libraries are too slow for the fifty images that occlusion takes.
    """
    return {
        command: predictor
        for command, predictor in predictors.items()
        if isinstance(predictor, BundlePredictor) and find_task(predictor.task).explain
    }


def methods_of(predictor: BundlePredictor[Any, Any]) -> tuple[str, ...]:
    """Return the methods that explain a model here.

    Those that need gradients only where torch is installed, and the bundle has weights for it, or is made of published
    ones.
    """
    own = OWN if getattr(predictor, "attends", False) else ()
    bundle = predictor.bundle
    weights = (bundle.folder / "weights.safetensors").is_file() or bundle.description.get("trained_steps") == 0
    gradients = tuple(GRADIENTS) if weights and find_task(predictor.task).network and find_spec("torch") else ()
    return (*own, BLACK_BOX, *gradients)


def check(asked: Asked, predictors: Mapping[str, Predictor[Any, Any]]) -> None:
    """Check a request before its image is read.

    Raises:
        UsageError: it asks for what cannot be explained, or for too much at once.
    """
    if asked.command not in predictors:
        raise UsageError(f"command: {unknown('command', asked.command, predictors)}")
    check_methods(predictors[asked.command].task, asked.methods)
    slow = [method for method in asked.methods if method in GRADIENTS]
    most = MAX_GRADIENT_WORDS if slow else MAX_WORDS
    if len(asked.words) > most or (slow and not asked.words):
        by = f" by {slow[0]}" if slow else ""
        raise UsageError(f"word: expected {'1' if slow else '0'} to {most} to explain{by}, got {len(asked.words)}")


def explained(
    predictor: Predictor[Any, Any],
    upload: Upload,
    asked: Asked,
    pixels: np.ndarray,
    run: Callable[[Callable[[], Any]], Any],
) -> dict[str, Any]:
    """Explain the prediction for an image.

    Args:
        predictor: the model.
        upload: what the client sent.
        asked: see :func:`check`.
        pixels: of the image, ``(H, W, 3)`` uint8.
        run: does a piece of work with the model.

    Returns:
        The JSON row.

    Raises:
        ApiError: the form has a field that is not known, the text is too long, or the model has no gradients.
        UsageError: a word is no part of the prediction, or the model can make nothing of the text.
    """
    text = upload.text(TEXT_FIELD)
    try:
        result = explain(
            predictor, pixels, text=text, names=asked.words, methods=asked.methods, cells=asked.cells, run=run
        )
    except CheckpointError as error:
        message = f"{predictor.name} has no weights for methods that need gradients; ask for occlusion"
        raise ApiError(422, "invalid", message) from error
    return row(upload.name, result)
