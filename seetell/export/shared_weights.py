"""Weights stored once, in half precision: ONNX graphs that read their arrays from ``weights.safetensors``.

A safetensors file is a header followed by raw arrays, and ONNX lets an array live in another file at an offset. So the
graphs hold structure only, and the half-precision file that further training starts from serves prediction too; each
array is widened to float32 once, when the session is created.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save
from torch import Tensor

LARGE = 1024
"""Arrays of this many elements or more are stored in half precision."""


ROUNDING = 1e-3
"""Largest difference by rounding, relative to the greatest value of an array."""


def write_weights(parts: Mapping[str, Mapping[str, Tensor]], path: Path) -> None:
    """Write arrays in half precision, named ``part.name``.

    Args:
        parts: arrays by part and name; integers keep their type.
        path: the safetensors file.
    """
    arrays = {
        f"{part}.{name}": value.detach().cpu().half() if value.is_floating_point() else value.detach().cpu()
        for part, named in parts.items()
        for name, value in named.items()
    }
    path.write_bytes(save({name: value.contiguous().clone() for name, value in arrays.items()}))


def externalise_weights(graph: Path, weights: Path) -> None:
    """Rewrite a graph so that it reads every array that a weights file contains, also transposed, from there.

    An array of the same name with other values stays, such as of a convolution that a normalisation was fused into. Of
    what stays, large arrays of whole numbers are kept in 16 bits where these hold them.

    Args:
        graph: an ONNX file in the same folder as ``weights``; rewritten.
        weights: written by :func:`write_weights`.
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
        alike = entry.get("dtype") == "F16" and entry["shape"] == list(array.dims)[:: -1 if transposed else 1]
        if not alike or not (transposed or _is_rounded(stored[name], array)):
            short = _in_16_bits(array)
            arrays.append(array if short is None else short)
            if short is not None:
                widened.append(helper.make_node("Cast", [short.name], [array.name], to=TensorProto.INT64))
            continue
        half = _external_array(f"{array.name}.half", entry, weights.name, offset)
        arrays.append(half)
        wide = f"{array.name}.wide" if transposed else array.name
        widened.append(helper.make_node("Cast", [half.name], [wide], to=TensorProto.FLOAT))
        if transposed:
            widened.append(helper.make_node("Transpose", [wide], [array.name], perm=[1, 0]))
    _prepend(model, widened)
    del model.graph.initializer[:]
    model.graph.initializer.extend(arrays)
    graph.write_bytes(model.SerializeToString())


def halve_weights(graph: Path) -> None:
    """Rewrite a graph so that its large arrays are stored in half precision and widened when it is loaded."""
    model = onnx.load(graph)
    widened = []
    for array in model.graph.initializer:
        if array.data_type == TensorProto.FLOAT and np.prod(array.dims) >= LARGE:
            name, values = array.name, numpy_helper.to_array(array)
            array.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            widened.append(helper.make_node("Cast", [array.name], [name], to=TensorProto.FLOAT))
    _prepend(model, widened)
    graph.write_bytes(model.SerializeToString())


def quantise_weights(graph: Path) -> None:
    """Rewrite a graph so that its large matrices are stored in 8-bit integers and widened when it is loaded.

    Each row or each column has a scale of its own, whichever rounds less; nothing else is rounded. Arrays of more axes
    are taken as several matrices.
    """
    model = onnx.load(graph)
    widened = []
    for array in list(model.graph.initializer):
        if array.data_type != TensorProto.FLOAT or len(array.dims) < 2 or np.prod(array.dims) < LARGE:
            continue
        name, values = array.name, numpy_helper.to_array(array)
        choices: tuple[Any, ...] = ((1, 2, 3),) if values.ndim == 4 else (-2, -1)  # a filter of a convolution is whole
        rounded, scale = min(
            (rounded_to_int8(values, axis) for axis in choices),
            key=lambda pair: np.square(pair[0] * pair[1] - values).sum(),
        )
        array.CopyFrom(numpy_helper.from_array(rounded.astype(np.int8), f"{name}.int8"))
        model.graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        widened.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.wide"], to=TensorProto.FLOAT))
        widened.append(helper.make_node("Mul", [f"{name}.wide", f"{name}.scale"], [name]))
    _prepend(model, widened)
    graph.write_bytes(model.SerializeToString())


def rounded_to_int8(values: np.ndarray, axis: int | tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return an array as whole numbers from -127 to 127, and the scales along axes, to be multiplied with them."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True), np.finfo(np.float32).tiny) / np.float32(127)
    return np.rint(values / scale), scale


def _prepend(model: onnx.ModelProto, nodes: Sequence[NodeProto]) -> None:
    """Compute nodes before all others."""
    following = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(following)


def _transpose_of(array: TensorProto, matrices: Sequence[str], stored: Mapping[str, Tensor]) -> str:
    """Return the name of the stored matrix whose transpose an array is; empty where there is none."""
    values = numpy_helper.to_array(array)
    for name in matrices:
        same_shape = tuple(stored[name].shape) == values.shape[::-1]
        if same_shape and np.array_equal(stored[name].numpy(), values.T.astype(np.float16)):
            return name
    return ""


def _is_rounded(stored: Tensor, array: TensorProto) -> bool:
    """Return whether a stored array is another one in half precision."""
    values = numpy_helper.to_array(array)
    largest = np.abs(values).max(initial=0, where=np.isfinite(values))
    return bool(np.isclose(stored.float().numpy(), values, rtol=0, atol=ROUNDING * largest).all())


def _in_16_bits(array: TensorProto) -> TensorProto | None:
    """Return whole numbers of 64 bits in 16, ``None`` for other arrays and those that are small or need more."""
    if array.data_type != TensorProto.INT64 or math.prod(array.dims) < LARGE:
        return None
    values = numpy_helper.to_array(array)
    short = values.astype(np.int16)
    return numpy_helper.from_array(short, f"{array.name}.short") if (short == values).all() else None


def _external_array(name: str, entry: Mapping[str, Any], location: str, offset: int) -> TensorProto:
    """Describe an array of a safetensors file whose arrays begin at ``offset``."""
    begin, end = entry["data_offsets"]
    half = TensorProto(
        name=name, data_type=TensorProto.FLOAT16, dims=entry["shape"], data_location=TensorProto.EXTERNAL
    )
    for key, value in {"location": location, "offset": offset + begin, "length": end - begin}.items():
        half.external_data.add(key=key, value=str(value))
    return half
