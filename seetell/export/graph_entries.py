"""What ``model.json`` says of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx


def graph_entry(folder: Path, files: Mapping[str, str], *, default: str) -> dict[str, Any]:
    """Return the entry of a graph in ``model.json``.

    Args:
        folder: of the files.
        files: the graph's file names by precision.
        default: the precision used by default.
    """
    graph = onnx.load(folder / files[default], load_external_data=False).graph
    weights = {array.name for array in graph.initializer}
    return {
        **files,
        "default": default,
        "inputs": [value.name for value in graph.input if value.name not in weights],
        "outputs": [value.name for value in graph.output],
    }
