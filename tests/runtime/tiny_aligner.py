"""A valid aligner of a few kilobytes, without training: it knows the words for colours and finds them in photos."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from runtime.tiny_bundle import graph_entry

from seetell.language.vocabulary import Vocabulary
from seetell.photos import Preprocessing

COLOURS = {"red": (2, -1, -1), "green": (-1, 2, -1), "blue": (-1, -1, 2)}
SIZE, ROWS, COLUMNS = 32, 4, 4
BOXES = [[0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1]]
COMPARED = ("regions", "whole")


def write_tiny_aligner(folder: Path, *, compared: tuple[str, ...] = COMPARED, **changes: Any) -> Path:
    """Write the bundle into a new folder; its regions are the photo, and its left and right halves.

    Args:
        folder: the new folder.
        compared: ``regions``, ``whole``, or both.
        changes: fields of ``model.json`` to replace.
    """
    folder.mkdir(parents=True)
    vocabulary = Vocabulary.build([[*COLOURS, "a", "on", "square"]], min_count=1)
    vocabulary.save(folder / "vocabulary.json")
    grid = [SIZE // ROWS, SIZE // COLUMNS]
    _save(
        folder / "encoder.onnx",
        [
            helper.make_node("AveragePool", ["images"], ["cells"], kernel_shape=grid, strides=grid),
            helper.make_node("Reshape", ["cells", "shape"], ["rows"]),
            helper.make_node("Transpose", ["rows"], ["grid"], perm=[0, 2, 1]),
            helper.make_node("ReduceMean", ["grid", "places"], ["pooled"], keepdims=0),
        ],
        {"images": (TensorProto.FLOAT, ["B", 3, SIZE, SIZE])},
        {"pooled": ["B", 3], "grid": ["B", ROWS * COLUMNS, 3]},
        {"shape": np.array([0, 3, ROWS * COLUMNS]), "places": np.array([1])},
    )
    halves = np.zeros((2, ROWS, COLUMNS), np.float32)
    halves[0, :, :2] = halves[1, :, 2:] = 2 / (ROWS * COLUMNS)
    regions = [
        helper.make_node("MatMul", ["halves", "grid"], ["parts"]),
        helper.make_node("Unsqueeze", ["pooled", "axis"], ["all"]),
        helper.make_node("Concat", ["all", "parts"], ["regions"], axis=1),
    ]
    whole = [helper.make_node("LpNormalization", ["pooled"], ["whole"], axis=1)]
    with_regions = "regions" in compared
    _save(
        folder / "image_embedding.onnx",
        [*(regions if with_regions else []), *(whole if "whole" in compared else [])],
        {
            "pooled": (TensorProto.FLOAT, ["B", 3]),
            **({"grid": (TensorProto.FLOAT, ["B", ROWS * COLUMNS, 3])} if with_regions else {}),
        },
        {name: {"regions": ["B", len(BOXES), 3], "whole": ["B", 3]}[name] for name in compared},
        {"halves": halves.reshape(2, -1), "axis": np.array([1])} if with_regions else {},
    )
    embedding = np.zeros((len(vocabulary), 3), np.float32)
    for word, direction in COLOURS.items():
        embedding[vocabulary.encode([word])] = direction
    outputs = {"regions": ("words", ["N", "T", 3]), "whole": ("whole", ["N", 3])}
    _save(
        folder / "sentence_embedding.onnx",
        [
            helper.make_node("Gather", ["embedding", "tokens"], ["words"]),
            helper.make_node("ReduceSum", ["words", "places"], ["whole"], keepdims=0),
            helper.make_node("Identity", ["lengths"], ["unused"]),
        ],
        {"tokens": (TensorProto.INT64, ["N", "T"]), "lengths": (TensorProto.INT64, ["N"])},
        dict(outputs[name] for name in compared),
        {"embedding": embedding, "places": np.array([1])},
    )
    (folder / "README.md").write_text("# colours\n\nIt knows three colours.\n", encoding="utf-8")
    files = sorted(path for path in folder.iterdir())
    description = {
        "format": 2,
        "name": "colours",
        "task": "retrieval",
        "architecture": "aligner",
        "preprocessing": Preprocessing(SIZE, SIZE).to_dict(),
        "vocabulary": {"file": "vocabulary.json", "sha256": vocabulary.hash, "size": len(vocabulary)},
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        "graphs": {
            name: graph_entry(folder, {"fp32": f"{name}.onnx"})
            for name in ("encoder", "image_embedding", "sentence_embedding")
        },
        "settings": {"max_words": 8, "grid": [ROWS, COLUMNS], "regions": BOXES},
        "licence": "CC0-1.0",
        "training_data": "none",
        "terms": "none",
        "scores": {},
        "parity": {},
    }
    (folder / "model.json").write_text(json.dumps({**description, **changes}, indent=1), encoding="utf-8")
    return folder


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[str | int]]],
    outputs: dict[str, list[str | int]],
    weights: dict[str, np.ndarray],
) -> None:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(weight, name) for name, weight in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
