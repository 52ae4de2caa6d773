from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from seetell.errors import BundleError
from seetell.runtime.external_data import check_graph

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")
KINDS = ("initializer", "attribute", "tensors", "subgraph", "subgraphs", "sparse", "sparse attribute", "training")


def external(location: str, **entries: str) -> TensorProto:
    """Return a tensor whose two numbers are in another file."""
    tensor = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def graph_of(tensor: TensorProto, kind: str) -> bytes:
    """Return an ONNX file with a tensor somewhere."""
    initializers, attribute, sparse = [], None, []
    inner = helper.make_graph([], "inner", [], [], [tensor])
    pair = onnx.SparseTensorProto(
        values=tensor, indices=helper.make_tensor("at", TensorProto.INT64, [2], [0, 1]), dims=[9]
    )
    if kind == "initializer":
        initializers = [tensor]
    elif kind == "sparse":
        sparse = [pair]
    elif kind != "training":
        content = {
            "attribute": tensor,
            "tensors": [tensor],
            "subgraph": inner,
            "subgraphs": [inner],
            "sparse attribute": pair,
        }[kind]
        attribute = helper.make_attribute("value", content)
    node = helper.make_node("Constant", [], ["y"])
    if attribute is not None:
        node.attribute.append(attribute)
    model = helper.make_model(helper.make_graph([node], "g", [], [], initializers, sparse_initializer=sparse))
    if kind == "training":
        model.training_info.add(initialization=inner)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    (model / "parts").mkdir(parents=True)
    for file in (model / "weights", model / "parts" / "weights", tmp_path / "outside"):
        file.write_bytes(bytes(8))
    return model


def written(folder: Path, tensor: TensorProto, kind: str = "initializer") -> Path:
    path = folder / "graph.onnx"
    path.write_bytes(graph_of(tensor, kind))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_in_the_folder_may_be_read_and_no_other(folder: Path, kind: str):
    assert check_graph(written(folder, external("weights", offset="0", length="8"), kind)) is False
    with pytest.raises(BundleError, match="not a regular file in the model's folder"):
        check_graph(written(folder, external("../outside"), kind))


@pytest.mark.parametrize("location", ["weights", "./weights", "parts/weights", "parts/./weights"])
def test_locations_inside(folder: Path, location: str):
    check_graph(written(folder, external(location)))


@pytest.mark.parametrize(
    "location",
    ["", ".", "..", "/etc/passwd", "../outside", "parts/../../outside", "parts/../weights", "parts", "absent", "a\0b",
     "*/_ORT_MEM_ADDR_/*", "..\\outside", "C:\\weights", "//host/share"],
)  # fmt: skip
def test_locations_outside_are_refused(folder: Path, location: str):
    with pytest.raises(BundleError, match="not a regular file"):
        check_graph(written(folder, external(location)))


def test_the_address_of_memory_is_refused_though_there_is_such_a_file(folder: Path):
    (folder / "*" / "_ORT_MEM_ADDR_").mkdir(parents=True)
    (folder / "*" / "_ORT_MEM_ADDR_" / "*").write_bytes(bytes(8))
    with pytest.raises(BundleError, match="not a regular file"):
        check_graph(written(folder, external("*/_ORT_MEM_ADDR_/*", offset="1234")))


@POSIX
@pytest.mark.parametrize("name", ["link", "linked/weights", "pipe", "zero"])
def test_links_pipes_and_devices_are_refused(folder: Path, name: str):
    (folder / "link").symlink_to(folder / "weights")
    (folder / "linked").symlink_to(folder / "parts")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    with pytest.raises(BundleError, match="not a regular file"):
        check_graph(written(folder, external(name)))


@pytest.mark.parametrize(
    "place",
    [{"offset": "4", "length": "8"}, {"offset": "-4"}, {"length": "9" * 5000}, {"offset": "9"}, {"offset": "٣"}],
)
def test_data_beyond_the_file_is_refused(folder: Path, place: dict[str, str]):
    with pytest.raises(BundleError, match="which has 8"):
        check_graph(written(folder, external("weights", **place)))


def test_of_two_locations_both_are_checked(folder: Path):
    for first, second in (("weights", "../outside"), ("../outside", "weights")):
        tensor = external(first)
        tensor.external_data.add(key="location", value=second)
        with pytest.raises(BundleError, match="outside"):
            check_graph(written(folder, tensor))


def damaged(content: bytes) -> Iterator[bytes]:
    yield from (content[:length] for length in range(1, len(content) - 1))
    yield from (content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :] for place in range(len(content)))


def test_whatever_is_damaged_is_an_error_or_passes(folder: Path):
    for content in damaged(graph_of(external("weights"), "subgraph")):
        (folder / "graph.onnx").write_bytes(content)
        with suppress(BundleError):
            check_graph(folder / "graph.onnx")


def test_functions_which_may_unfold_without_end_are_refused(folder: Path):
    node = helper.make_node("Abs", ["x"], ["y"])
    function = helper.make_function("own", "f", ["x"], ["y"], [node], [helper.make_opsetid("", 18)])
    model = helper.make_model(helper.make_graph([], "g", [], []), functions=[function])
    (folder / "graph.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match="has functions"):
        check_graph(folder / "graph.onnx")


def test_loops_are_told(folder: Path):
    body = helper.make_graph([], "body", [], [])
    inner = helper.make_graph([helper.make_node("Loop", ["", ""], [], body=body)], "inner", [], [])
    node = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    (folder / "graph.onnx").write_bytes(helper.make_model(helper.make_graph([node], "g", [], [])).SerializeToString())
    assert check_graph(folder / "graph.onnx") is True


def test_a_large_graph_is_read_quickly_enough_or_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.runtime.external_data.MAX_FIELDS", 100)
    tensor = helper.make_tensor("a", TensorProto.FLOAT, [1000], np.zeros(1000, np.float32))
    check_graph(written(folder, tensor))
    nodes = [helper.make_node("Abs", ["x"], ["y"])] * 100
    (folder / "graph.onnx").write_bytes(helper.make_model(helper.make_graph(nodes, "g", [], [])).SerializeToString())
    with pytest.raises(BundleError, match="more than 100 fields"):
        check_graph(folder / "graph.onnx")


@POSIX
def test_a_pipe_is_not_waited_for(folder: Path):
    os.mkfifo(folder / "graph.onnx")
    with pytest.raises(BundleError, match="pipe or device"):
        check_graph(folder / "graph.onnx")
