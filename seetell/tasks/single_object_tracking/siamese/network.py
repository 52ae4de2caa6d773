"""The graphs of a bundle: from windows to features, from the exemplar's to a template, from both to where it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import whole_number
from seetell.tasks.single_object_tracking.patches import Pair, window_of


class SiameseGraphs:
    """A Siamese network that is ready to run.

    Args:
        bundle: with the graphs ``features`` and, unless features are all that is wanted, ``template`` and ``search``.
        precision: ``int8`` or ``fp32``; the bundle's own choice when absent.
        threads: processor threads.

    Attributes:
        side: pixels of a window's side.
        stride: pixels of a cell of the features.
        exemplar_cells: of the exemplar's side.

    Raises:
        BundleError: the bundle lacks a graph or a setting.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self._preprocessing = bundle.preprocessing
        self.side = bundle.preprocessing.height
        self.stride = bundle.setting("stride", whole_number())
        self.exemplar_cells = bundle.setting("exemplar_cells", whole_number())
        self._features = Graph.open(bundle, "features", precision=precision, threads=threads)
        self._features.require(inputs=["images"], outputs=["features"])
        self._template = self._search = self._masks = None
        if "search" in bundle.graphs:
            self._template = Graph.open(bundle, "template", threads=threads)
            self._search = Graph.open(bundle, "search", threads=threads)
        if "masks" in bundle.graphs:
            self._masks = Graph.open(bundle, "masks", threads=threads)

    def features(self, image: np.ndarray, centre: Pair, sides: Sequence[float]) -> np.ndarray:
        """Return the features of square windows around a place, ``(B, C, n, n)`` float32.

        Args:
            image: ``(H, W, 3)`` uint8; beyond it windows have its mean colour.
            centre: x and y in pixels.
            sides: of each window, in pixels.
        """
        fill = image[::8, ::8].mean(axis=(0, 1)).astype(np.uint8)
        output = self.side, self.side
        windows = np.stack([window_of(image, centre, (side, side), output, fill=fill) for side in sides])
        (features,) = self._features.run({"images": self._preprocessing.normalise(windows)}, ["features"])
        return features

    def template(self, features: np.ndarray) -> list[np.ndarray]:
        """Return what is kept of the exemplar in the middle of a window with features ``(1, C, n, n)``."""
        assert self._template is not None
        first = (features.shape[2] - self.exemplar_cells) // 2
        kept = slice(first, first + self.exemplar_cells)
        return self._template.run({"exemplar": features[:, :, kept, kept]}, self._template.outputs)

    def search(self, features: np.ndarray, template: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what the network says of windows with these features, in the order of the graph's outputs."""
        assert self._template is not None
        assert self._search is not None
        kernels = dict(zip(self._template.outputs, template, strict=True))
        return self._search.run({"features": features, **kernels}, self._search.outputs)

    def masks(self, vectors: np.ndarray) -> np.ndarray:
        """Return probabilities ``(P, 63, 63)`` of what a search gave for places, ``(P, C)``."""
        assert self._masks is not None
        (masks,) = self._masks.run({"vectors": vectors}, ["masks"])
        return masks


def hann(places: int) -> np.ndarray:
    """Return the cosine window ``(places, places)`` float32 that prefers small movements, of greatest value 1."""
    one = np.hanning(places).astype(np.float32)
    return np.outer(one, one)
