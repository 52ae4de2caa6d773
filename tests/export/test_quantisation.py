from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from runtime.tiny_bundle import save_graph

from seetell.export.quantisation import quantise_dynamically
from seetell.runtime.sessions import Graph


def test_tables_and_products_are_in_eight_bits(tmp_path: Path):
    rng = np.random.default_rng(0)
    table, matrix = rng.normal(size=(100, 64)).astype(np.float32), rng.normal(size=(50, 64)).astype(np.float32)
    table[7] *= 1000  # each row has a scale of its own
    save_graph(
        tmp_path / "float.onnx",
        [
            helper.make_node("Gather", ["table", "tokens"], ["words"]),
            helper.make_node("Transpose", ["matrix"], ["transposed"], perm=[1, 0]),
            helper.make_node("MatMul", ["words", "transposed"], ["scores"]),
        ],
        {"tokens": (TensorProto.INT64, ["N"])},
        {"words": ["N", 64], "scores": ["N", 50]},
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(matrix, "matrix")],
    )
    quantise_dynamically(tmp_path / "float.onnx", tmp_path / "int8.onnx")
    stored = {array.name: array.data_type for array in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    assert stored["table"] == TensorProto.INT8
    large = [array for array in onnx.load(tmp_path / "int8.onnx").graph.initializer if np.prod(array.dims) >= 1024]
    assert {array.data_type for array in large} == {TensorProto.INT8}
    graph = Graph(tmp_path / "int8.onnx", threads=1)
    tokens = np.array([3, 5, 99])
    words, scores = graph.run({"tokens": tokens}, ["words", "scores"])
    assert np.abs(words - table[tokens]).max() < np.abs(table[tokens]).max() / 200
    assert np.abs(scores - table[tokens] @ matrix.T).max() < 0.05 * np.abs(table[tokens] @ matrix.T).max()
