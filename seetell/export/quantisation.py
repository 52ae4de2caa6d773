"""Graphs in 8-bit integers.

Static quantisation, for convolutions: one scale per output channel for weights and one per tensor for activations,
measured on real images. The first convolutions stay in float32: few weights, a small share of the work, and most of the
error.

Dynamic quantisation, for Transformers: the scale of each activation is measured when it is there, which takes little
beside a product of matrices, and needs no images.

Weights take 7 bits, because processors without VNNI add pairs of products in 16 bits and would saturate on 8.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from seetell.export.shared_weights import LARGE, rounded_to_int8

FLOAT_CONVOLUTIONS = 3
BATCH = 4


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Gives the calibration images, a few at a time."""

    def __init__(self, images: np.ndarray) -> None:
        self._batches: Iterator[dict[str, np.ndarray]] = iter(
            [{"images": images[start : start + BATCH]} for start in range(0, len(images), BATCH)]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, ``None`` after the last."""
        return next(self._batches, None)


def quantise(source: Path, target: Path, images: np.ndarray, *, operators: Sequence[str] | None = None) -> None:
    """Write an int8 copy of a graph with one input, ``images``.

    Args:
        source: the ONNX file in float32.
        target: the ONNX file to write.
        images: preprocessed images to measure activations on, ``(N, 3, H, W)``; a hundred are enough.
        operators: kinds of node that are quantised, such as ``Conv``; all that can be when absent. Each kind that is
            rounds its outputs once more.
    """
    with _folded(source) as folded:
        convolutions = [node.name for node in onnx.load(folded).graph.node if node.op_type == "Conv"]
        quantize_static(
            folded,
            target,
            _Batches(images),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=operators,
            nodes_to_exclude=convolutions[:FLOAT_CONVOLUTIONS],
        )


def quantise_dynamically(source: Path, target: Path) -> None:
    """Write a copy of a graph whose products with matrices of weights are computed in int8.

    Tables that rows are looked up in are stored in 8 bits, too, with a scale for each row.

    Args:
        source: the ONNX file in float32.
        target: the ONNX file to write.
    """
    with _folded(source) as folded:
        quantize_dynamic(
            folded,
            target,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    model = onnx.load(target)
    _quantise_tables(model)
    target.write_bytes(model.SerializeToString())


def _quantise_tables(model: ModelProto) -> None:
    """Store the large tables of ``Gather`` in 8 bits; a row is widened when it was looked up."""
    arrays = {array.name: array for array in model.graph.initializer}
    uses = Counter(name for node in model.graph.node for name in node.input)
    nodes = []
    for node in model.graph.node:
        array = arrays.get(node.input[0]) if node.op_type == "Gather" else None
        by_row = all(attribute.name != "axis" or attribute.i == 0 for attribute in node.attribute)
        large = array is not None and array.data_type == TensorProto.FLOAT and np.prod(array.dims) >= LARGE
        if array is None or not (large and by_row and len(array.dims) == 2 and uses[array.name] == 1):
            nodes.append(node)
            continue
        name, (rows, found) = array.name, (node.input[1], node.output[0])
        rounded, scale = rounded_to_int8(numpy_helper.to_array(array), -1)
        array.CopyFrom(numpy_helper.from_array(rounded.astype(np.int8), name))
        model.graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        nodes += [
            helper.make_node("Gather", [name, rows], [f"{found}.int8"]),
            helper.make_node("Cast", [f"{found}.int8"], [f"{found}.wide"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{name}.scale", rows], [f"{found}.scale"]),
            helper.make_node("Mul", [f"{found}.wide", f"{found}.scale"], [found]),
        ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@contextmanager
def _folded(source: Path) -> Iterator[Path]:
    """Give a copy of a graph in which what is constant has been computed."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantiser recommends a preprocessing step that has been done
    try:
        with tempfile.TemporaryDirectory() as folder:
            folded = Path(folder) / "folded.onnx"
            quant_pre_process(source, folded, skip_symbolic_shape=True)
            yield folded
    finally:
        root.setLevel(level)
