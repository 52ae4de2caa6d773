"""NanoDet-g as an ONNX graph: the network from its TensorFlow.js release, pixels in and boxes out added around it.

RangiLyu, "NanoDet", https://github.com/RangiLyu/nanodet: a one-stage detector without anchors. For every cell of three
grids, with strides of 8, 16 and 32 pixels, it gives a score for each of 80 classes, and distributions of the distances
from the cell's centre to the four edges of a box (Li et al., "Generalized Focal Loss", NeurIPS 2020).

TensorFlow computes in ``NHWC``, ONNX in ``NCHW``. Here a transpose only changes how a tensor is read, so that none is
written; padding and biases move into the convolutions.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 416
STRIDES = (8, 16, 32)
CLASSES = 80
BINS = 11
"""Distances are distributions over 0 to 10 strides."""
CELLS = sum((SIDE // stride) ** 2 for stride in STRIDES)

MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
"""Of blue, green and red, on the 0–255 scale: what the network was trained with."""
OPSET, IR = 17, 8

_TO_NHWC, _TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]


@dataclass(frozen=True)
class _Tensor:
    """A tensor of the TensorFlow graph.

    Attributes:
        name: of the ONNX tensor, which is ``NCHW`` if it has four axes.
        last: whether TensorFlow reads it with the channels last.
        pads: rows and columns to be added by whoever reads it: top, left, bottom, right.
        convolution: the node that made it, while it has no bias yet.
    """

    name: str
    last: bool = False
    pads: tuple[int, ...] = ()
    convolution: onnx.NodeProto | None = None

    def axis(self, number: int) -> int:
        """Return the axis of the ONNX tensor for one of TensorFlow's."""
        return _TO_NHWC[number] if self.last else number


def read_tfjs(path: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Read a TensorFlow.js graph model.

    Args:
        path: its JSON file; the weights lie beside it.

    Returns:
        The nodes, each after those that it reads, and the constants by name.
    """
    model = json.loads(path.read_text(encoding="utf-8"))
    constants = {}
    for group in model["weightsManifest"]:
        data = b"".join((path.parent / shard).read_bytes() for shard in group["paths"])
        start = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
            dtype = np.dtype({"float16": "<f2", "float32": "<f4", "int32": "<i4"}[stored])
            count = int(np.prod(entry["shape"], dtype=int))
            array = np.frombuffer(data, dtype, count, start).reshape(entry["shape"])
            constants[entry["name"]] = array.astype(np.float32) if dtype.kind == "f" else array
            start += count * dtype.itemsize
        assert start == len(data), (start, len(data))
    nodes = {node["name"]: node for node in model["modelTopology"]["node"] if node["op"] != "Const"}
    return list(_in_order(nodes)), constants


def _in_order(nodes: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()

    def visit(name: str) -> Iterator[dict[str, Any]]:
        if name in nodes and name not in seen:
            seen.add(name)
            for source in nodes[name].get("input", []):
                yield from visit(source.partition(":")[0])
            yield nodes[name]

    for name in nodes:
        yield from visit(name)


class _Network:
    """Writes the ONNX nodes of a TensorFlow graph, one operation after the other."""

    def __init__(self, constants: dict[str, np.ndarray]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.constants = dict(constants)
        self.tensors: dict[str, _Tensor] = {}
        self._side = SIDE // STRIDES[-1]  # the pyramid is resized level by level, up from the coarsest and down again

    def add(self, node: dict[str, Any]) -> None:
        """Write a node of the TensorFlow graph."""
        name, inputs = node["name"], [source.removesuffix(":0") for source in node.get("input", [])]
        values = [self.constants.get(source) for source in inputs]
        if node["op"] == "SparseToDense":  # an empty one, the zeros of a padding
            self.constants[name] = np.full(values[1], values[3], np.int32)
        elif inputs and all(value is not None for value in values) and node["op"] == "AddV2":
            self.constants[name] = values[0] + values[1]
        elif node["op"] == "Placeholder":
            self.tensors[name] = _Tensor("images")
        else:
            sources = [self.tensors[source] for source in inputs if source in self.tensors]
            arrays = [value for value in values if value is not None]
            write = getattr(self, f"_{node['op'].lower()}")
            self.tensors[name] = write(name, _attributes(node), sources, arrays)

    def emit(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
        """Write an ONNX node with one output and return it."""
        node = helper.make_node(op, inputs, [output], f"{op}_{len(self.nodes)}", **attributes)
        self.nodes.append(node)
        return node

    def array(self, name: str, array: np.ndarray) -> str:
        """Keep a constant of the ONNX graph and return its name."""
        self.arrays[name] = np.asarray(array, order="C")
        return name

    def _identity(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        return sources[0]

    def _transpose(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        (source,), perm = sources, arrays[0].tolist()
        if perm == (_TO_NCHW if source.last else _TO_NHWC):
            return replace(source, last=not source.last)
        assert len(perm) == 3, perm
        self.emit("Transpose", [source.name], name, perm=perm)
        return _Tensor(name)

    def _pad(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        (source,), pads = sources, arrays[0]
        rows, columns = (pads[1], pads[2]) if source.last else (pads[2], pads[3])
        assert pads.sum() == rows.sum() + columns.sum()
        return replace(source, pads=(rows[0], columns[0], rows[1], columns[1]), convolution=None)

    _padv2 = _pad  # before a maximum, with its neutral value

    def _conv2d(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        (source,), kernel = sources, self.array(f"{name}/kernel", arrays[0].transpose(3, 2, 0, 1))
        assert source.last
        assert given["padding"] == "VALID"
        assert given["dilations"] == [1] * 4
        attributes = {"strides": given["strides"][1:3], "kernel_shape": arrays[0].shape[:2]}
        node = self.emit("Conv", [source.name, kernel], name, **attributes, **_pads(source))
        return _Tensor(name, last=True, convolution=node)

    def _maxpool(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        (source,) = sources
        assert source.last
        attributes = {"strides": given["strides"][1:3], "kernel_shape": given["ksize"][1:3]}
        self.emit("MaxPool", [source.name], name, **attributes, **_pads(source))
        return _Tensor(name, last=True)

    def _add(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        if not arrays:
            self.emit("Add", [source.name for source in sources], name)
            return _Tensor(name, last=sources[0].last)
        (source,), bias = sources, arrays[0]
        assert source.convolution is not None
        assert source.last
        assert bias.ndim == 1
        source.convolution.input.append(self.array(f"{name}/bias", bias))
        return replace(source, convolution=None)

    _addv2 = _add

    def _leakyrelu(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        self.emit("LeakyRelu", [sources[0].name], name, alpha=float(given["alpha"]))
        return _Tensor(name, last=sources[0].last)

    def _concatv2(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        self.emit("Concat", [source.name for source in sources], name, axis=sources[0].axis(int(arrays[0])))
        return _Tensor(name, last=sources[0].last)

    def _resizebilinear(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        assert given["half_pixel_centers"]
        assert sources[0].last
        scale, self._side = int(arrays[0][0]) / self._side, int(arrays[0][0])
        scales = self.array(f"{name}/scales", np.array([1, 1, scale, scale], np.float32))  # a batch of any size
        inputs = [sources[0].name, "", scales]
        self.emit("Resize", inputs, name, mode="linear", coordinate_transformation_mode="half_pixel")
        return _Tensor(name, last=True)

    def _splitv(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        sizes, axis = self.array(f"{name}/sizes", arrays[0].astype(np.int64)), sources[0].axis(int(arrays[1]))
        outputs = [name, *(f"{name}:{number}" for number in range(1, len(arrays[0])))]
        self.emit("Split", [sources[0].name, sizes], name, axis=axis).output.extend(outputs[1:])
        self.tensors |= {output: _Tensor(output, last=sources[0].last) for output in outputs}
        return self.tensors[name]

    def _sigmoid(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        self.emit("Sigmoid", [sources[0].name], name)
        return _Tensor(name, last=sources[0].last)

    def _reshape(self, name: str, given: Any, sources: list[_Tensor], arrays: list[np.ndarray]) -> _Tensor:
        assert not sources[0].last
        shape = self.array(f"{name}/shape", np.array([0, arrays[0][1], -1], np.int64))  # a batch of any size
        self.emit("Reshape", [sources[0].name, shape], name)
        return _Tensor(name)


def _attributes(node: dict[str, Any]) -> dict[str, Any]:
    def value(entry: dict[str, Any]) -> Any:
        if "s" in entry:
            return base64.b64decode(entry["s"]).decode()
        if "list" in entry:
            return [int(number) for number in entry["list"].get("i", [])]
        return entry.get("f", entry.get("i", entry.get("b")))

    return {name: value(entry) for name, entry in node.get("attr", {}).items()}


def _pads(source: _Tensor) -> dict[str, Any]:
    return {"pads": source.pads} if source.pads else {}


def network(path: Path) -> onnx.ModelProto:
    """Return the network of a TensorFlow.js release.

    Its input ``images`` ``(B, 3, 416, 416)`` is blue, green and red, standardised with ``MEAN`` and ``STD``; it gives
    ``scores`` ``(B, N, 80)`` in [0, 1] and ``distances`` ``(B, N, 44)``, logits for left, top, right and bottom; rows
    are cells by stride, finest first, each grid row by row.
    """
    nodes, constants = read_tfjs(path)
    made = _Network(constants)
    for node in nodes:
        made.add(node)
    outputs = [made.tensors["Identity" + suffix].name for suffix in ("", "_1", "_2", "_3", "_4", "_5")]
    made.emit("Concat", outputs[:3], "scores", axis=1)
    made.emit("Concat", outputs[3:], "distances", axis=1)
    shapes = {"scores": [CELLS, CLASSES], "distances": [CELLS, 4 * BINS]}
    return _model(made.nodes, made.arrays, shapes)


def with_pixels_and_boxes(model: onnx.ModelProto, mean: Sequence[float], std: Sequence[float]) -> onnx.ModelProto:
    """Return a graph that takes images as this package prepares them, and gives boxes.

    Args:
        model: from :func:`network`, in any precision.
        mean: of red, green and blue that was subtracted from the pixels, on the 0–255 scale.
        std: what they were divided by.

    Returns:
        ``images`` ``(B, 3, 416, 416)``, red, green and blue, to ``scores`` ``(B, N, 80)`` and ``boxes`` ``(B, N, 4)``,
        xyxy in shares of the input, within it.
    """
    scale = np.array(std, np.float32) / np.array(STD[::-1], np.float32)
    shift = (np.array(mean, np.float32) - np.array(MEAN[::-1], np.float32)) / np.array(STD[::-1], np.float32)
    centres, strides = _cells()
    arrays = {
        "scale": scale.reshape(1, 3, 1, 1),
        "shift": shift.reshape(1, 3, 1, 1),
        "bins_shape": np.array([-1, BINS], np.int64),
        "bins": np.arange(BINS, dtype=np.float32)[:, None],
        "steps_shape": np.array([-1, CELLS, 4], np.int64),
        "centres": np.concatenate([centres, centres], axis=1) / SIDE,
        "strides": strides[:, None] * np.array([-1, -1, 1, 1], np.float32) / SIDE,
        "zero": np.float32(0),
        "one": np.float32(1),
    }
    before = [("Mul", ["images", "scale"], "scaled"), ("Add", ["scaled", "shift"], "standardised")]
    after = [
        ("Reshape", ["distances", "bins_shape"], "logits"),
        ("Softmax", ["logits"], "distributions"),
        ("MatMul", ["distributions", "bins"], "means"),  # of all sides at once: a tenth of the time of all the graph
        ("Reshape", ["means", "steps_shape"], "steps"),
        ("Mul", ["steps", "strides"], "offsets"),
        ("Add", ["centres", "offsets"], "edges"),
        ("Clip", ["edges", "zero", "one"], "boxes"),
    ]
    inner = [onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    kept = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    for node in inner:
        node.input[:] = ["standardised" if name == "images" else name for name in node.input]
    first = next(node for node in inner if node.op_type == "Conv")
    assert first.input[0] == "standardised"
    assert first.input[1] in kept
    kept[first.input[1]] = kept[first.input[1]][:, ::-1]  # red first
    outer = [
        [helper.make_node(op, *names[:1], [names[1]], names[1]) for op, *names in part] for part in (before, after)
    ]
    shapes = {"scores": [CELLS, CLASSES], "boxes": [CELLS, 4]}
    return _model([*outer[0], *inner, *outer[1]], kept | arrays, shapes)


def _cells() -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of the cells ``(N, 2)``, x and y in pixels of the input, and their strides ``(N,)``."""
    centres, strides = [], []
    for stride in STRIDES:
        places = (np.arange(SIDE // stride, dtype=np.float32) + 0.5) * stride
        x, y = np.meshgrid(places, places)
        centres.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full(x.size, stride, np.float32))
    return np.concatenate(centres), np.concatenate(strides)


def _model(
    nodes: Sequence[onnx.NodeProto], arrays: dict[str, np.ndarray], outputs: dict[str, list[int]]
) -> onnx.ModelProto:
    """Return a checked graph of ``images``; constants that nothing reads are left out."""
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "nanodet-g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["images", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["images", *shape]) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(array, order="C"), name) for name, array in arrays.items() if name in read],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model, full_check=True)
    return model
