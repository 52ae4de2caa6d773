from __future__ import annotations

import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from seetell.errors import BundleError, UsageError
from seetell.runtime import sessions
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph, opening_together


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
    with pytest.raises(BundleError, match="install or export the model again") as caught:
        Graph(path, threads=1)
    assert "\n" not in str(caught.value)


def test_a_graph_with_other_inputs_or_outputs_is_a_bundle_error(tiny_bundle: Path):
    graph = Graph(tiny_bundle / "decoder_step.onnx", threads=1)
    graph.require(inputs=["tokens", "state_0", "state_1"], outputs=["logprobs"])
    with pytest.raises(BundleError, match="expected inputs among"):
        graph.require(inputs=["tokens"], outputs=["logprobs"])
    with pytest.raises(BundleError, match="next_state_1"):
        graph.require(inputs=["tokens", "state_0"], outputs=["next_state_1"])


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("seetell-graphs")]


@pytest.mark.parametrize("threads", [1, 2])
def test_graphs_opened_together_are_ready_afterwards(threads: int, tiny_bundle: Path):
    with opening_together(threads):
        graphs = [Graph(tiny_bundle / f"{name}.onnx", threads=1) for name in ("decoder_step", "decoder_start") * 3]
        graphs[1].require(inputs=["pooled"], outputs=["state_0"])
        assert graphs[1].inputs == ("pooled",)  # waits for it
    assert not own_threads()
    (state,) = graphs[-1].run({"pooled": np.ones((3, 4), np.float32)}, ["state_0"])
    assert state.shape == (3, 6)


def test_graphs_are_opened_at_the_same_time(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    together = threading.Barrier(2, timeout=20)
    check = sessions.check_graph

    def met(source: Path) -> bool:
        together.wait()
        return check(source)

    monkeypatch.setattr(sessions, "check_graph", met)
    with opening_together(2):
        for name in ("decoder_step", "decoder_start"):
            Graph(tiny_bundle / f"{name}.onnx", threads=1)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_wrong_with_a_graph_is_said_at_the_end_at_the_latest(threads: int, tiny_bundle: Path, tmp_path: Path):
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"not an onnx file")

    def opened(graph: Path, inputs: list[str]) -> None:
        with opening_together(threads):
            Graph(tiny_bundle / "decoder_step.onnx", threads=1)
            Graph(graph, threads=1).require(inputs=inputs, outputs=["state_0"])
            Graph(tiny_bundle / "decoder_step.onnx", threads=1)

    opened(tiny_bundle / "decoder_start.onnx", ["pooled"])
    with pytest.raises(BundleError, match="install or export the model again"):
        opened(path, ["pooled"])
    with pytest.raises(BundleError, match="expected inputs among"):
        opened(tiny_bundle / "decoder_start.onnx", ["tokens"])
    assert not own_threads()


def test_an_error_while_graphs_are_opened_together_is_raised_and_later_ones_open_as_before(tiny_bundle: Path):
    def fail() -> None:
        with opening_together(2):
            Graph(tiny_bundle / "none.onnx", threads=1)
            raise UsageError("no such option")

    with pytest.raises(UsageError, match="no such option"):
        fail()
    assert not own_threads()
    with pytest.raises(BundleError, match=r"none\.onnx"):
        Graph(tiny_bundle / "none.onnx", threads=1)


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


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory in use is read from Linux's /proc")
def test_graphs_share_the_memory_that_they_work_in(tmp_path: Path):
    count, megabytes = 8, 32
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["shape"], ["ones"], value=helper.make_tensor("", 1, [1], [1.0])),
            helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0),
        ],
        "large",
        [helper.make_tensor_value_info("shape", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [])],
    )
    path = tmp_path / "large.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)

    def in_use() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 2**20

    before, size = in_use(), megabytes * 2**18
    graphs = [Graph(path, threads=1) for _ in range(count)]
    for each in graphs:
        assert each.run({"shape": np.array([size])}, ["sum"])[0] == size
    assert in_use() - before < count * megabytes / 2


def endless(path: Path, *, empty: bool) -> Path:
    """Write a graph with a loop that has no end, with or without anything to compute in it."""
    trip, go, x = (
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("i", TensorProto.INT64, []),
            ("go", TensorProto.BOOL, []),
            ("x", TensorProto.FLOAT, ["n"]),
        )
    )
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    nodes = [] if empty else [helper.make_node("Abs", ["x"], ["y"])]
    body = helper.make_graph(nodes, "body", [trip, go, x], [go, x if empty else result])
    true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
    loop = helper.make_node("Loop", ["", "true", "z"], ["last"], body=body)
    given = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n"])
    last = helper.make_tensor_value_info("last", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph([loop], "endless", [given], [last], [true])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.slow
def test_an_endless_loop_ends_at_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions.deadlines, "seconds", 0)
    graph = Graph(endless(tmp_path / "loop.onnx", empty=False), threads=1)
    with pytest.raises(BundleError, match="did not end within 0 seconds"):
        graph.run({"z": np.ones(2, np.float32)}, ["last"])


@pytest.mark.slow
def test_a_loop_that_cannot_be_ended_is_left_behind(tmp_path: Path):
    path = endless(tmp_path / "loop.onnx", empty=True)
    program = (
        "import sys, pathlib, numpy as np; from seetell.runtime import sessions; sessions.deadlines.seconds = 0\n"
        f"graph = sessions.Graph(pathlib.Path({str(path)!r}), threads=1)\n"
        "try: graph.run({'z': np.ones(2, np.float32)}, ['last'])\n"
        "except sessions.BundleError as error: sys.exit(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "did not end within 0 seconds" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_large_batch_in_parts_is_the_same_as_at_once(tiny_bundle: Path):
    graph = Graph.open(Bundle.load(tiny_bundle), "encoder", threads=1)
    for count in (1, 2, 5):
        images = np.random.default_rng(count).normal(size=(count, 3, 8, 8)).astype(np.float32)
        (parts,) = graph.run_in_parts(images, ["pooled"])
        np.testing.assert_allclose(parts, graph.run({"images": images}, ["pooled"])[0], rtol=1e-5)
