from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from seetell.errors import BundleError
from seetell.runtime.sessions import Graph


def test_a_graph_names_its_inputs_and_outputs_and_ignores_what_it_does_not_take(tiny_bundle: Path):
    graph = Graph(tiny_bundle / "decoder_start.onnx", threads=1)
    assert (graph.inputs, graph.outputs) == (("pooled",), ("state_0",))
    feeds = {"pooled": np.ones((3, 4), np.float32), "grid": np.ones((3, 9, 4), np.float32)}
    (state,) = graph.run(feeds, ["state_0"])
    assert state.shape == (3, 6)


@pytest.mark.parametrize("content", [b"", b"not an onnx file", None])
def test_a_damaged_graph_is_a_bundle_error(content: bytes | None, tiny_bundle: Path, tmp_path: Path):
    path = tmp_path / "encoder.onnx"
    path.write_bytes((tiny_bundle / "encoder.onnx").read_bytes()[:150] if content is None else content)
    with pytest.raises(BundleError, match=r"ONNX Runtime .* cannot load it") as caught:
        Graph(path, threads=1)
    assert "\n" not in str(caught.value)


def test_a_graph_with_other_inputs_or_outputs_is_a_bundle_error(tiny_bundle: Path):
    graph = Graph(tiny_bundle / "decoder_step.onnx", threads=1)
    graph.require(inputs=["tokens", "state_0", "state_1"], outputs=["logprobs"])
    with pytest.raises(BundleError, match="expected inputs among"):
        graph.require(inputs=["tokens"], outputs=["logprobs"])
    with pytest.raises(BundleError, match="next_state_1"):
        graph.require(inputs=["tokens", "state_0"], outputs=["next_state_1"])


def test_a_failed_allocation_is_a_memory_error(tmp_path: Path):
    graph = helper.make_graph(
        [helper.make_node("ConstantOfShape", ["shape"], ["zeros"])],
        "huge",
        [helper.make_tensor_value_info("shape", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("zeros", TensorProto.FLOAT, ["n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "huge.onnx")
    session = Graph(tmp_path / "huge.onnx", threads=1)
    assert session.run({"shape": np.array([2])}, ["zeros"])[0].tolist() == [0, 0]
    with pytest.raises(MemoryError):
        session.run({"shape": np.array([2**50])}, ["zeros"])
