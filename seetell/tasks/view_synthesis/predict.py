"""Views of a scene, from a bundle, on ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from seetell.errors import UsageError
from seetell.geometry.cameras import Camera, turn
from seetell.results import View
from seetell.runtime.bundle import Bundle
from seetell.runtime.generator import Generator, GeneratorProgress
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import whole_number
from seetell.tasks.view_synthesis.occupancy import MOST_CELLS, Occupancy
from seetell.tasks.view_synthesis.rendering import MOST_SAMPLES, Array, Field, Marching, render_picture

LARGEST = 4096
"""Pixels of a view's longer side."""

MOST_VIEWS = 100_000


class Renderer(Generator[View]):
    """A loaded scene.

    Args:
        bundle: the model.
        precision: the bundle's own choice when absent.
        threads: see :class:`~seetell.runtime.loaded.Loaded`.

    Attributes:
        bundle: the model.

    Raises:
        BundleError: the bundle is damaged, or lacks what a scene needs.
    """

    task = "view_synthesis"

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle.name, threads=threads)
        self.bundle = bundle
        near, far, half_side = (bundle.setting(name, _positive) for name in ("near", "far", "half_side"))
        samples = bundle.setting("samples", whole_number(least=3, most=MOST_SAMPLES))
        fine_samples = bundle.setting("fine_samples", whole_number(least=0, most=MOST_SAMPLES))
        self._marching = Marching(near, far, half_side, samples, fine_samples)
        self._occupancy = Occupancy.from_text(
            bundle.setting("occupied", str), bundle.setting("cells", whole_number(most=MOST_CELLS)), half_side
        )
        self._camera = bundle.setting("camera", _camera)
        names = bundle.setting("fields", _names)
        self._fields = [_asking(Graph.open(bundle, name, precision=precision, threads=self.threads)) for name in names]

    def bind(
        self, *, views: int = 40, size: int | None = None, elevation: float = 30.0
    ) -> Callable[[GeneratorProgress], Iterator[View]]:
        """Return the function that renders views of one turn around the scene, as far away as its photos were taken.

        Args:
            views: how many, evenly spread.
            size: width in pixels; that of the photos when absent.
            elevation: of the camera above the scene's horizon, in degrees.

        Raises:
            UsageError: an option is out of bounds.
        """
        if not 1 <= views <= MOST_VIEWS:
            raise UsageError(f"views must be from 1 to {MOST_VIEWS}, got {views}")
        if not -90 < elevation < 90:
            raise UsageError(f"elevation must be between -90 and 90 degrees, got {elevation:g}")
        width, height = self._camera["width"], self._camera["height"]
        if size is not None:
            width, height = size, max(1, round(height * size / width))
        if not 1 <= max(width, height) <= LARGEST or width < 1:
            raise UsageError(f"size must be at least 1, and no side above {LARGEST}, got {width}×{height}")
        return partial(self._turn, views=views, size=(int(width), int(height)), elevation=elevation)

    def picture(self, camera: Camera) -> Array:
        """Return what a camera sees, before white: ``(H, W, 3)`` float32 from 0 to 1."""
        return render_picture(self._fields, camera.rays(), self._marching, self._occupancy, camera.size)

    def _turn(
        self, progress: GeneratorProgress, *, views: int, size: tuple[int, int], elevation: float
    ) -> Iterator[View]:
        focal = size[0] / 2 / math.tan(self._camera["angle"] / 2)
        poses = turn(views, distance=self._camera["distance"], elevation=elevation)
        for done, pose in enumerate(poses, 1):
            picture = self.picture(Camera(pose, focal, size))
            yield View(np.rint(picture * 255).astype(np.uint8), self.name)
            progress(done, views)


def _asking(graph: Graph) -> Field:
    """Return a graph as a function of points and directions."""

    def ask(points: Array, directions: Array) -> tuple[Array, Array]:
        densities, colours = graph.run({"points": points, "directions": directions}, ["densities", "colours"])
        return densities, colours

    return ask


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"expected a number of 0 or more, got {value!r}")
    return float(value)


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) not in (1, 2) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"expected the names of one graph or two, got {value!r}")
    return value


def _camera(value: Any) -> dict[str, float]:
    wanted = ("width", "height", "angle", "distance")
    if not isinstance(value, dict) or not all(_positive(value.get(name)) > 0 for name in wanted):
        raise ValueError(f"expected {', '.join(wanted)}, each above 0, got {value!r}")
    return {name: value[name] for name in wanted}
