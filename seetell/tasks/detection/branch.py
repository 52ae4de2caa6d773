"""What a bundle's detector finds of objects beside their boxes: masks or key points, by a graph of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seetell.errors import BundleError
from seetell.geometry.boxes import Boxes
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.tasks.detection.candidates import TwoGraphs

BRANCHES = ("masks", "key_points")
"""Graphs that a bundle of a detector may have."""


class Branch:
    """The graph ``masks`` or ``key_points`` of a bundle.

    Attributes:
        name: which of the two.

    Args:
        bundle: the model.
        finder: finds the boxes.
        threads: to compute with.

    Raises:
        BundleError: the graph takes what the others do not give.
    """

    def __init__(self, bundle: Bundle, finder: TwoGraphs, *, threads: int) -> None:
        self.name = next(name for name in BRANCHES if name in bundle.graphs)
        self._graph = Graph.open(bundle, self.name, threads=threads)
        self._graph.require(inputs=[*finder.trunk, "rois", "classes"], outputs=[self.name])
        size = bundle.preprocessing
        self._size = np.array([size.width, size.height] * 2, np.float32)

    def __call__(
        self, trunk: Mapping[str, np.ndarray], boxes: Sequence[Boxes], classes: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Look at the boxes of images.

        Args:
            trunk: what they share; see :meth:`~.candidates.TwoGraphs.with_trunk`.
            boxes: of each image, ``(N, 4)`` normalised to [0, 1] over the input.
            classes: of each image, ``(N,)`` from 0.

        Returns:
            Of each image ``(N, …)``.
        """
        counts = [len(each) for each in boxes]
        if not sum(counts):
            return [np.zeros((0, 1, 1), np.float32) for _ in counts]
        owners = np.repeat(np.arange(len(counts)), counts)[:, None]
        rois = np.concatenate([owners, np.concatenate(boxes) * self._size], axis=1).astype(np.float32)
        labels = np.concatenate(classes).astype(np.int64)
        (found,) = self._graph.run({**trunk, "rois": rois, "classes": labels}, [self.name])
        return np.split(found, np.cumsum(counts)[:-1])


def open_branch(bundle: Bundle, finder: object, *, threads: int) -> Branch | None:
    """Open the branch of a bundle, if it has one.

    Raises:
        BundleError: it has one without what it looks at, or the graph is damaged.
    """
    if not any(name in bundle.graphs for name in BRANCHES):
        return None
    if not isinstance(finder, TwoGraphs):
        raise BundleError(f"{bundle.folder}: has a branch and no graph 'proposals'; export the model again")
    return Branch(bundle, finder, threads=threads)
