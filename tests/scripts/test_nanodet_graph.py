"""TensorFlow.js operations as ONNX, and boxes from distances."""

from __future__ import annotations

import base64

import nanodet_graph
import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper


def node(op: str, name: str, *inputs: str, **attributes: object) -> dict[str, object]:
    coded = {
        "padding": {"s": base64.b64encode(b"VALID").decode()},
        "half_pixel_centers": {"b": True},
        "alpha": {"f": 0.1},
    }
    lists = {key: {"list": {"i": [str(number) for number in value]}} for key, value in attributes.items()}
    return {"op": op, "name": name, "input": list(inputs), "attr": {**coded, **lists}}


def test_a_padded_convolution_with_a_bias_on_the_last_axis_and_no_transposes():
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(3, 3, 2, 4)).astype(np.float32), random.normal(size=4).astype(np.float32)
    pads = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    perms = {"last": np.array([0, 2, 3, 1], np.int32), "first": np.array([0, 3, 1, 2], np.int32)}
    network = nanodet_graph._Network({"kernel": kernel, "bias": bias, "pads": pads, **perms})
    for each in (
        node("Placeholder", "input"),
        node("Transpose", "turned", "input", "last"),
        node("Pad", "padded", "turned", "pads"),
        node("Conv2D", "convolved", "padded", "kernel", strides=[1, 2, 2, 1], dilations=[1, 1, 1, 1]),
        node("Add", "biased", "convolved", "bias"),
        node("LeakyRelu", "bent", "biased"),
        node("Transpose", "back", "bent", "first"),
    ):
        network.add(each)
    assert [made.op_type for made in network.nodes] == ["Conv", "LeakyRelu"]
    output = network.tensors["back"]
    assert not output.last
    graph = helper.make_graph(
        network.nodes,
        "test",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["images", 2, 8, 8])],
        [helper.make_tensor_value_info(output.name, TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in network.arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", nanodet_graph.OPSET)], ir_version=8)
    images = random.normal(size=(3, 2, 8, 8)).astype(np.float32)
    (found,) = ort.InferenceSession(model.SerializeToString()).run(None, {"images": images})
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(images), torch.from_numpy(kernel.transpose(3, 2, 0, 1)), torch.from_numpy(bias), 2, 1
    )
    np.testing.assert_allclose(found, torch.nn.functional.leaky_relu(expected, 0.1).numpy(), atol=1e-5)


def test_cells_are_row_by_row_finest_first():
    centres, strides = nanodet_graph._cells()
    assert centres.shape == (3549, 2)
    assert centres[:2].tolist() == [[4, 4], [12, 4]]
    assert centres[52].tolist() == [4, 12]
    assert (centres[-1].tolist(), strides[-1], strides[2704]) == ([400, 400], 32, 16)
