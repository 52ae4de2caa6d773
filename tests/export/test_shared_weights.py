"""Weights in fewer bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from seetell.export.shared_weights import externalise_weights, halve_weights, quantise_weights, write_weights
from seetell.nn.onnx_graph import onnx_graph
from seetell.runtime.sessions import Graph

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("store", "share", "tolerance"), [(halve_weights, 0.55, 1e-3), (quantise_weights, 0.3, 0.02)])
def test_a_graph_in_fewer_bits_computes_the_same(tmp_path: Path, store, share, tolerance):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(40, 200), nn.Tanh(), nn.Linear(200, 60))
    module[0].weight.data *= torch.logspace(-2, 1, 200)[:, None]  # rows of different size
    images = torch.randn(3, 40)
    file = tmp_path / "graph.onnx"
    shapes = ({0: torch.export.Dim("rows", min=1)},)
    file.write_bytes(onnx_graph(module, (images,), inputs=["x"], outputs=["y"], dynamic_shapes=shapes))
    size = file.stat().st_size
    store(file)
    onnx.checker.check_model(onnx.load(file))
    assert file.stat().st_size < share * size
    (computed,) = Graph(file, threads=1).run({"x": images[:2].numpy()}, ["y"])
    expected = module(images[:2]).detach().numpy()
    assert np.abs(computed - expected).max() < tolerance * np.abs(expected).max()


class Table(nn.Module):
    """Reads whole numbers of a table: small ones, or one that needs more than 16 bits."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.arange(3000) - 1)
        self.table[-1] = largest

    def forward(self, rows: Tensor) -> Tensor:
        return self.table[rows]


@pytest.mark.parametrize(("largest", "narrow"), [(2**15 - 1, True), (2**15, False)])
def test_large_tables_of_whole_numbers_are_kept_in_16_bits(tmp_path: Path, largest: int, narrow: bool):
    module, rows, file = Table(largest), torch.tensor([0, 2999, 5]), tmp_path / "graph.onnx"
    shapes = ({0: torch.export.Dim("rows", min=1)},)
    file.write_bytes(onnx_graph(module, (rows,), inputs=["x"], outputs=["y"], dynamic_shapes=shapes))
    write_weights({"table": module.state_dict()}, tmp_path / "weights.safetensors")
    externalise_weights(file, tmp_path / "weights.safetensors")
    types = {array.data_type for array in onnx.load(file).graph.initializer if len(array.dims)}
    assert (onnx.TensorProto.INT16 in types) == narrow
    (read,) = Graph(file, threads=1).run({"x": rows.numpy()}, ["y"])
    assert read.tolist() == [-1, largest, 4]
    assert read.dtype == np.int64
