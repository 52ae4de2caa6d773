"""A grounder as an ONNX graph, and how far it is from torch."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from seetell.export.declaration import GraphSpec
from seetell.runtime.sessions import Graph
from seetell.tasks.grounding.models.grounder import Grounder
from seetell.tasks.retrieval.graphs import after_whitening
from seetell.tasks.retrieval.models.aligner import Aligner

PHRASES = 3


class GroundingGraph(nn.Module):
    """``grid (1, L, D)``, ``phrases (N, 2·H)`` → ``heat (N, L)``, ``boxes (N, 4)`` and ``overlaps (N,)``.

    Heat is a distribution over cells, and boxes are clipped to the image.
    """

    def __init__(self, aligner: Aligner, grounder: Grounder) -> None:
        super().__init__()
        self.grounder = copy.deepcopy(grounder)
        for name in ("cell", "surroundings"):
            setattr(self.grounder, name, after_whitening(aligner, getattr(grounder, name)))

    def forward(self, grid: Tensor, phrases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locate phrases."""
        located = self.grounder(grid, phrases[None])
        return located.heat[0].softmax(dim=1), located.boxes[0].clamp(0, 1), located.overlaps[0]


def grounding_graph(aligner: Aligner, grounder: Grounder) -> GraphSpec:
    """Declare the graph ``grounding``, whose large arrays are in half precision.

    Args:
        aligner: the one that the grounder was trained for.
        grounder: in evaluation mode.
    """
    cells, features = grounder.place.shape[0], aligner.whitening.mean.shape[0]
    return GraphSpec(
        name="grounding",
        module=GroundingGraph(aligner, grounder),
        examples=(torch.zeros(1, cells, features), torch.ones(3, 2 * aligner.config.width)),
        inputs=("grid", "phrases"),
        outputs=("heat", "boxes", "overlaps"),
        dynamic_shapes=({}, {0: torch.export.Dim("phrases", min=1)}),
        weights="half",
    )


def box_difference(
    aligner: Aligner, grounder: Grounder, grids: Tensor, phrases: Tensor, graphs: Mapping[str, Graph]
) -> float:
    """Return the largest difference of a box between the graph and torch, relative to the image's width or height.

    Args:
        aligner: the one that the grounder was trained for.
        grounder: in evaluation mode.
        grids: of images, ``(B, L, D)``.
        phrases: ``(N, 2·H)``; a few are located in each image.
        graphs: ``grounding``.
    """
    differences = []
    for start, grid in enumerate(grids):
        located = phrases[start % len(phrases) :][:PHRASES]
        with torch.inference_mode():
            expected = grounder(aligner.whitening(grid[None]), located[None]).boxes[0].clamp(0, 1).numpy()
        (actual,) = graphs["grounding"].run({"grid": grid[None].numpy(), "phrases": located.numpy()}, ["boxes"])
        differences.append(np.abs(expected - actual).max())
    return float(np.max(differences))
