"""Weights kept once: ONNX graphs that read their arrays from the bundle's ``weights.safetensors``.

A safetensors file is a header followed by raw arrays, and ONNX lets an array live in another file at an offset. So the
decoder's graphs hold structure only, and the half-precision file that further training starts from serves prediction
too; each array is widened to float32 once, when the session is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save
from torch import Tensor


def write_weights(parts: Mapping[str, Mapping[str, Tensor]], path: Path) -> None:
    """Write arrays in half precision, named ``part.name``.

    Args:
        parts: arrays by part and name; whole numbers keep their type.
        path: the safetensors file.
    """
    arrays = {
        f"{part}.{name}": value.detach().cpu().half() if value.is_floating_point() else value.detach().cpu()
        for part, named in parts.items()
        for name, value in named.items()
    }
    path.write_bytes(save({name: value.contiguous().clone() for name, value in arrays.items()}))


def read_from_weights(graph: Path, weights: Path) -> None:
    """Rewrite a graph so that it reads from a weights file every array that is there, or whose transpose is.

    Args:
        graph: an ONNX file in the same folder as ``weights``; rewritten.
        weights: what :func:`write_weights` wrote.
    """
    with open(weights, "rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(header_size))
    offset = 8 + header_size
    matrices = [name for name, entry in header.items() if entry.get("dtype") == "F16" and len(entry["shape"]) == 2]
    stored = load_file(weights)
    model = onnx.load(graph)
    arrays, widened = [], []
    for array in model.graph.initializer:
        name, transposed = array.name, False
        if name not in header and len(array.dims) == 2:
            name, transposed = _transpose_of(array, matrices, stored), True
        entry = header.get(name, {})
        if entry.get("dtype") != "F16" or entry["shape"] != list(array.dims)[:: -1 if transposed else 1]:
            arrays.append(array)
            continue
        half = _in_file(f"{array.name}.half", entry, weights.name, offset)
        arrays.append(half)
        wide = f"{array.name}.wide" if transposed else array.name
        widened.append(helper.make_node("Cast", [half.name], [wide], to=TensorProto.FLOAT))
        if transposed:
            widened.append(helper.make_node("Transpose", [wide], [array.name], perm=[1, 0]))
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    del model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(arrays)
    graph.write_bytes(model.SerializeToString())


def _transpose_of(array: TensorProto, matrices: Sequence[str], stored: Mapping[str, Tensor]) -> str:
    """Name the stored matrix of which the exporter wrote the transpose; empty where there is none."""
    values = numpy_helper.to_array(array)
    for name in matrices:
        same_shape = tuple(stored[name].shape) == values.shape[::-1]
        if same_shape and np.array_equal(stored[name].numpy(), values.T.astype(np.float16)):
            return name
    return ""


def _in_file(name: str, entry: Mapping[str, Any], location: str, offset: int) -> TensorProto:
    """Describe an array that stays in a safetensors file whose arrays begin at ``offset``."""
    begin, end = entry["data_offsets"]
    half = TensorProto(
        name=name, data_type=TensorProto.FLOAT16, dims=entry["shape"], data_location=TensorProto.EXTERNAL
    )
    for key, value in {"location": location, "offset": offset + begin, "length": end - begin}.items():
        half.external_data.add(key=key, value=str(value))
    return half
