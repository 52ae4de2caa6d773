"""A valid caption bundle of a few kilobytes: random weights, but its captions depend on the photo's colour."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from seetell.language.decoding import Decoding
from seetell.language.vocabulary import Vocabulary
from seetell.photos import Preprocessing

NAME = "tiny"
WORDS = ["a", "dog", "runs", "on", "grass", "'s", "ball", "red", "blue", "sea", "child"]
SIZE, FEATURES, HIDDEN = 8, 4, 6


def write_tiny_bundle(folder: Path, *, seed: int = 0, grid: tuple[int, int] | None = None, **changes: Any) -> Path:
    """Write the bundle into a new folder.

    Args:
        folder: the new folder.
        seed: of the weights.
        grid: rows and columns that it attends to, differently for each photo and word; ``None`` if it does not attend.
        changes: fields of ``model.json`` to replace; ``None`` leaves one out.
    """
    folder.mkdir(parents=True)
    vocabulary = Vocabulary.build([WORDS], min_count=1)
    vocabulary.save(folder / "vocabulary.json")
    rng = np.random.default_rng(seed)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32) * 1.5, name)

    for file in ("encoder.onnx", "encoder.int8.onnx"):
        save_graph(
            folder / file,
            [
                helper.make_node("GlobalAveragePool", ["images"], ["mean"]),
                helper.make_node("Flatten", ["mean"], ["flat"]),
                helper.make_node("MatMul", ["flat", "project"], ["pooled"]),
            ],
            {"images": (TensorProto.FLOAT, ["B", 3, "H", "W"])},
            {"pooled": ["B", FEATURES]},
            [weights("project", 3, FEATURES)],
        )
    save_graph(
        folder / "decoder_start.onnx",
        [helper.make_node("MatMul", ["pooled", "begin"], ["state_0"])],
        {"pooled": (TensorProto.FLOAT, ["B", FEATURES])},
        {"state_0": ["B", HIDDEN]},
        [weights("begin", FEATURES, HIDDEN)],
    )
    step = [
        weights("embedding", len(vocabulary), HIDDEN),
        weights("recur", HIDDEN, HIDDEN),
        weights("say", HIDDEN, len(vocabulary)),
    ]
    locations = math.prod(grid or (1, 1))
    attend = [
        helper.make_node("MatMul", ["next_state_0", "look"], ["looks"]),
        helper.make_node("Softmax", ["looks"], ["attention"], axis=-1),
    ]
    save_graph(
        folder / "decoder_step.onnx",
        [
            helper.make_node("Gather", ["embedding", "tokens"], ["word"]),
            helper.make_node("MatMul", ["state_0", "recur"], ["carried"]),
            helper.make_node("Add", ["word", "carried"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["next_state_0"]),
            helper.make_node("MatMul", ["next_state_0", "say"], ["logits"]),
            helper.make_node("LogSoftmax", ["logits"], ["logprobs"], axis=-1),
            *(attend if grid else []),
        ],
        {"tokens": (TensorProto.INT64, ["N"]), "state_0": (TensorProto.FLOAT, ["N", HIDDEN])},
        {"logprobs": ["N", len(vocabulary)], "next_state_0": ["N", HIDDEN]}
        | ({"attention": ["N", locations]} if grid else {}),
        [*step, *([weights("look", HIDDEN, locations)] if grid else [])],
    )
    (folder / "README.md").write_text("# tiny\n\nRandom weights.\n", encoding="utf-8")
    files = sorted(path for path in folder.iterdir())
    description = {
        "format": 2,
        "name": NAME,
        "task": "captioning",
        "architecture": "neuraltalk2",
        "preprocessing": Preprocessing(SIZE, SIZE).to_dict(),
        "vocabulary": {"file": "vocabulary.json", "sha256": vocabulary.hash, "size": len(vocabulary)},
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        "graphs": {
            "encoder": graph_entry(folder, {"int8": "encoder.int8.onnx", "fp32": "encoder.onnx"}),
            "decoder_start": graph_entry(folder, {"fp32": "decoder_start.onnx"}),
            "decoder_step": graph_entry(folder, {"fp32": "decoder_step.onnx"}),
        },
        "settings": {"decoding": Decoding(beam_size=3, max_words=6).to_dict()} | ({"grid": list(grid)} if grid else {}),
        "licence": "CC0-1.0",
        "training_data": "none",
        "terms": "none",
        "scores": {"dev": {"Bleu_4": 0.2, "CIDEr": 0.5, "command": "seetell evaluate tiny"}},
        "parity": {},
    }
    description = {name: value for name, value in {**description, **changes}.items() if value is not None}
    (folder / "model.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
    return folder


def graph_entry(folder: Path, files: dict[str, str]) -> dict[str, Any]:
    """Return the entry of a graph in ``model.json``; the first precision is the default."""
    default = next(iter(files))
    graph = onnx.load(folder / files[default]).graph
    inputs, outputs = ([value.name for value in values] for values in (graph.input, graph.output))
    return {**files, "default": default, "inputs": inputs, "outputs": outputs}


def save_graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[str | int]]],
    outputs: dict[str, list[str | int]],
    weights: list[onnx.TensorProto],
    *,
    opset: int = 18,
) -> None:
    """Write a checked graph of nodes; inputs have a type and a shape, outputs are float32 of a shape."""
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
