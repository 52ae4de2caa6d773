"""A grid that remembers which cells of a scene are empty, so that the field is not asked there.

Liu et al., "Neural Sparse Voxel Fields", NeurIPS 2020, prune cells by the opacity that the field gives them; Müller et
al., "Instant Neural Graphics Primitives", SIGGRAPH 2022, appendix C, keep them as a grid of bits, as here. Before there
is a field, photos whose background is transparent say what is empty: all that lies outside of the cones of their
silhouettes (Laurentini, "The Visual Hull Concept for Silhouette-Based Image Understanding", PAMI 1994).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from seetell.errors import BundleError, DataError
from seetell.geometry.cameras import Camera
from seetell.geometry.masks import decode, encode

Cells = npt.NDArray[np.bool_]
Array = npt.NDArray[np.floating]

MOST_CELLS = 256
"""Along each side; a cell is a byte."""

OPAQUE = 0.01
"""A cell is empty if a ray through it would lose less than this share of its light."""


class Occupancy:
    """The cells of a cube that may hold something; nothing is outside of the cube.

    Args:
        cells: ``(R, R, R)`` bool by x, y and z.
        half_side: of the cube around the origin.
    """

    def __init__(self, cells: Cells, half_side: float) -> None:
        self.cells, self.half_side = cells, half_side
        self._flat = np.ascontiguousarray(cells).ravel()

    def __call__(self, points: Array) -> Cells:
        """Return which of the points ``(…, 3)`` lie in an occupied cell, ``(…)``."""
        side = len(self.cells)
        places = ((points + self.half_side) * (side / (2 * self.half_side))).astype(np.int32)
        inside = (np.abs(points) < self.half_side).all(axis=-1)
        np.clip(places, 0, side - 1, out=places)
        occupied: Cells = self._flat[(places[..., 0] * side + places[..., 1]) * side + places[..., 2]] & inside
        return occupied

    @classmethod
    def whole(cls, side: int, half_side: float) -> Occupancy:
        """Return a grid of ``side``³ cells that may all hold something."""
        return cls(np.ones((side, side, side), bool), half_side)

    def carved(self, views: Iterable[tuple[Camera, Cells]]) -> Occupancy:
        """Return the same without the cells that lie outside of a silhouette: the visual hull of a scene.

        Args:
            views: cameras, and which pixels ``(H, W)`` show anything. What a camera does not see stays.
        """
        cell = 2 * self.half_side / len(self.cells)
        cells = self.cells.copy()
        for camera, shown in views:
            places = np.argwhere(cells)
            middles = (places + 0.5) * cell - self.half_side
            columns, rows, depths = camera.project(middles)
            # a cell is as wide as its half diagonal, seen from the nearest
            nearest = max(float(depths.min(initial=np.inf)), cell)
            reach = math.ceil(camera.focal * cell * math.sqrt(3) / 2 / nearest)
            near = _grown(shown, reach)
            width, height = camera.size
            seen = (depths > 0) & (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
            outside = ~near[rows[seen].astype(int), columns[seen].astype(int)]
            cells[tuple(places[seen][outside].T)] = False
        return Occupancy(cells, self.half_side)

    def pruned(self, density: Callable[[Array], Array]) -> Occupancy:
        """Return the same without the cells that a field leaves empty.

        A cell stays if it, or one of its 26 neighbours, is not empty in the middle. Where the field is empty everywhere
        it has not learnt anything yet, and all cells stay.

        Args:
            density: of points ``(M, 3)`` → ``(M,)``.
        """
        side = len(self.cells)
        places = np.argwhere(self.cells)
        middles = ((places + 0.5) * (2 * self.half_side / side) - self.half_side).astype(np.float32)
        opacity = 1 - np.exp(-density(middles) * (2 * self.half_side / side))
        found = np.zeros_like(self.cells)
        found[tuple(places[opacity > OPAQUE].T)] = True
        if not found.any():
            return self
        return Occupancy(_grown(found) & self.cells, self.half_side)

    def to_text(self) -> str:
        """Return the cells as COCO's compressed run lengths of a mask, whose rows are x and columns y and z."""
        return encode(self.cells.reshape(len(self.cells), -1))

    @classmethod
    def from_text(cls, text: str, side: int, half_side: float) -> Occupancy:
        """Return what :meth:`to_text` wrote.

        Args:
            text: the run lengths.
            side: ``R``.
            half_side: of the cube.

        Raises:
            BundleError: the text does not describe such a grid.
        """
        try:
            return cls(decode(text, (side * side, side)).reshape(side, side, side), half_side)
        except DataError as error:
            raise BundleError(f"occupied: expected run lengths of {side}³ cells: {error}") from error


def _grown(cells: Cells, reach: int = 1) -> Cells:
    """Return cells or pixels and their neighbours up to some steps away along each axis."""
    for axis in range(cells.ndim):
        padded = np.pad(cells, [(reach, reach) if axis == other else (0, 0) for other in range(cells.ndim)])
        cells = np.asarray(sliding_window_view(padded, 2 * reach + 1, axis=axis).any(axis=-1))
    return cells
