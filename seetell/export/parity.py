"""Whether a bundle's graphs compute what the trained model computes in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from seetell.errors import BundleError
from seetell.export.declaration import GraphSpec
from seetell.runtime.sessions import Graph

INT8_TOLERANCE = 0.05
"""Largest allowed cosine distance of an int8 graph's features from torch's."""


def relative_difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> float:
    """Return the largest absolute difference, relative to the greatest value of each array."""
    differences = [np.abs(one - other).max() / np.abs(one).max() for one, other in zip(expected, actual, strict=True)]
    return float(np.max(differences))  # NaN wherever one is


def cosine_distance(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> float:
    """Return 1 − the mean cosine between feature vectors, of the pair of arrays where it is largest.

    Args:
        expected: feature vectors ``(…, D)``, or maps ``(B, D, H, W)``.
        actual: arrays of the same shapes.
    """
    distances = []
    for one, other in zip(expected, actual, strict=True):
        axis = 1 if one.ndim == 4 else -1
        length, other_length = np.linalg.norm(one, axis=axis), np.linalg.norm(other, axis=axis)
        cosines = (length == other_length).astype(length.dtype)  # of vectors without a direction
        lengths = length * other_length
        np.divide(np.sum(one * other, axis=axis), lengths, out=cosines, where=lengths > 0)
        distances.append(1 - np.mean(cosines))
    return float(np.max(distances))


def measure_graph(spec: GraphSpec, files: Mapping[str, Path]) -> dict[str, tuple[float, float]]:
    """Compare a graph with its module on its examples.

    Args:
        spec: the graph; nothing is compared where it has no tolerance.
        files: its ONNX files by precision.

    Returns:
        By name, the difference measured and the largest allowed.

    Raises:
        BundleError: a file has other inputs or lacks outputs.
    """
    if spec.tolerance is None:
        return {}
    with torch.inference_mode():
        expected = [output.numpy() for output in spec.module(*spec.examples)]
    feeds = {name: example.numpy() for name, example in zip(spec.inputs, spec.examples, strict=True)}
    measured = {}
    for precision, file in files.items():
        graph = Graph(file, threads=1)
        graph.require(inputs=spec.inputs, outputs=spec.outputs)
        actual = graph.run(feeds, spec.outputs)
        name = f"{spec.name}_{precision}" if spec.quantise else spec.name
        if precision == "int8":
            measured[f"{name}_cosine_distance"] = cosine_distance(expected, actual), INT8_TOLERANCE
        else:
            measured[f"{name}_max_difference"] = relative_difference(expected, actual), spec.tolerance
    return measured


def require_parity(measured: Mapping[str, tuple[float, float]]) -> None:
    """Refuse a bundle whose graphs differ from the trained model.

    Args:
        measured: differences and the largest allowed, by name.

    Raises:
        BundleError: a difference exceeds its tolerance, or is not a number.
    """
    failing = [
        f"{name} is {value:.3g}, at most {tolerance:g} is allowed"
        for name, (value, tolerance) in measured.items()
        if not value <= tolerance
    ]
    if failing:
        raise BundleError(f"the exported graphs differ from the trained model: {'; '.join(failing)}; nothing was kept")
