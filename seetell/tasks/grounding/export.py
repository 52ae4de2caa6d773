"""A grounder written as an ONNX graph whose large arrays are kept in half precision."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from seetell.nn.onnx_graph import onnx_graph
from seetell.runtime.sessions import Graph
from seetell.tasks.grounding.models.grounder import Grounder
from seetell.tasks.retrieval.graphs import after_whitening
from seetell.tasks.retrieval.models.aligner import Aligner

LARGE = 1024
"""From so many elements on an array is kept in half precision."""


class GroundingGraph(nn.Module):
    """``grid (1, L, D)``, ``phrases (N, 2·H)`` → ``heat (N, L)``, ``boxes (N, 4)`` and ``overlaps (N,)``.

    Heat is a distribution over cells, and boxes are cut to the photo.
    """

    def __init__(self, aligner: Aligner, grounder: Grounder) -> None:
        super().__init__()
        self.grounder = copy.deepcopy(grounder)
        for name in ("cell", "surroundings"):
            setattr(self.grounder, name, after_whitening(aligner, getattr(grounder, name)))

    def forward(self, grid: Tensor, phrases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locate."""
        located = self.grounder(grid, phrases[None])
        return located.heat[0].softmax(dim=1), located.boxes[0].clamp(0, 1), located.overlaps[0]


def write_grounder(aligner: Aligner, grounder: Grounder, path: Path) -> None:
    """Write a grounder's graph.

    Args:
        aligner: the one that it was trained for.
        grounder: in evaluation mode.
        path: the ONNX file.
    """
    cells, features = grounder.place.shape[0], aligner.whitening.mean.shape[0]
    content = onnx_graph(
        GroundingGraph(aligner, grounder),
        (torch.zeros(1, cells, features), torch.ones(3, 2 * aligner.config.width)),
        inputs=["grid", "phrases"],
        outputs=["heat", "boxes", "overlaps"],
        shapes=({}, {0: torch.export.Dim("phrases", min=1)}),
    )
    path.write_bytes(_in_half_precision(content))


def grounder_difference(
    aligner: Aligner, grounder: Grounder, path: Path, grids: Tensor, phrases: Sequence[Tensor]
) -> float:
    """Return the largest difference of a box's side from torch, as a share of the photo's width or height.

    Args:
        aligner: the one that it was trained for.
        grounder: in evaluation mode.
        path: its graph.
        grids: of photos, ``(B, L, D)``.
        phrases: that are located in each photo, ``(N, 2·H)``.
    """
    graph, worst = Graph(path, threads=1), 0.0
    for grid, meant in zip(grids, phrases, strict=True):
        with torch.inference_mode():
            ours = grounder(aligner.whitening(grid[None]), meant[None]).boxes[0].clamp(0, 1).numpy()
        (theirs,) = graph.run({"grid": grid[None].numpy(), "phrases": meant.numpy()}, ["boxes"])
        worst = max(worst, float(np.abs(ours - theirs).max()))
    return worst


def _in_half_precision(content: bytes) -> bytes:
    """Rewrite an ONNX file so that its large arrays are stored in half precision and widened when it is loaded."""
    model = onnx.load_from_string(content)
    widened = []
    for array in model.graph.initializer:
        if array.data_type == TensorProto.FLOAT and np.prod(array.dims) >= LARGE:
            name, values = array.name, numpy_helper.to_array(array)
            array.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            widened.append(helper.make_node("Cast", [array.name], [name], to=TensorProto.FLOAT))
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    rewritten: bytes = model.SerializeToString()
    return rewritten
