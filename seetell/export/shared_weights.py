"""Weights kept once: ONNX graphs that read their arrays from the bundle's ``weights.safetensors``.

A safetensors file is a header followed by raw arrays, and ONNX lets an array live in another file at an offset. So the
decoder's graphs hold structure only, and the half-precision file that further training starts from serves prediction
too; each array is widened to float32 once, when the session is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from safetensors.torch import save_file
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
    save_file({name: value.contiguous().clone() for name, value in arrays.items()}, path)


def read_from_weights(graph: Path, weights: Path) -> None:
    """Rewrite a graph so that it reads from a weights file every array of the same name and shape.

    Args:
        graph: an ONNX file in the same folder as ``weights``; rewritten.
        weights: what :func:`write_weights` wrote.
    """
    with open(weights, "rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(header_size))
    model = onnx.load(graph)
    arrays, casts = [], []
    for array in model.graph.initializer:
        entry = header.get(array.name, {})
        if entry.get("dtype") != "F16" or entry["shape"] != list(array.dims):
            arrays.append(array)
            continue
        begin, end = entry["data_offsets"]
        half = TensorProto(
            name=f"{array.name}.half",
            data_type=TensorProto.FLOAT16,
            dims=array.dims,
            data_location=TensorProto.EXTERNAL,
        )
        where = {"location": weights.name, "offset": 8 + header_size + begin, "length": end - begin}
        for key, value in where.items():
            half.external_data.add(key=key, value=str(value))
        arrays.append(half)
        casts.append(helper.make_node("Cast", [half.name], [array.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    del model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(arrays)
    graph.write_bytes(model.SerializeToString())
