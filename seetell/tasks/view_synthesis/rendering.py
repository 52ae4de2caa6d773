"""From a field to the colours of rays, without torch: the volume rendering of what a trained field answers.

Mildenhall et al., "NeRF", ECCV 2020, equation 3, which follows from the emission and absorption of light (Max, "Optical
Models for Direct Volume Rendering", 1995): where the density σ is constant over an interval of length δ, the share
``α = 1 − exp(−σ δ)`` of the light that enters it is replaced by its colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seetell.geometry.cameras import Rays, through_cube
from seetell.tasks.view_synthesis.occupancy import Occupancy
from seetell.tasks.view_synthesis.sampling import intervals, refined, stratified

Array = npt.NDArray[np.floating]

Field = Callable[[Array, Array], tuple[Array, Array]]
"""Takes points and directions ``(M, 3)``; returns densities ``(M,)`` and colours ``(M, 3)`` from 0 to 1."""

RAYS_AT_ONCE, POINTS_AT_ONCE = 4096, 2**16
"""Bound the memory that a picture takes."""

MOST_SAMPLES = 1024
"""Of a ray, for each field."""


@dataclass(frozen=True)
class Marching:
    """How rays go through a scene.

    Attributes:
        near: distance from the camera at which they begin.
        far: distance at which they end.
        half_side: of the cube around the origin that holds the scene; they are followed within it.
        samples: stratified samples of a ray.
        fine_samples: further samples, where the first field found something; 0 for one field alone.
    """

    near: float
    far: float
    half_side: float
    samples: int
    fine_samples: int

    def bounds(self, rays: Rays) -> tuple[Array, Array]:
        """Return between which distances rays are followed, two arrays ``(N,)``."""
        enter, leave = through_cube(rays, self.half_side)
        near = np.clip(enter, self.near, self.far)
        return near, np.maximum(np.clip(leave, self.near, self.far), near)


class Samples(NamedTuple):
    """The points of rays at which a field is asked, ``M`` of them, and where they belong.

    Attributes:
        points: ``(M, 3)``.
        directions: of their rays, ``(M, 3)``.
        places: of each in ``(N, S)``, flattened, ``(M,)``.
        lengths: of the intervals of all samples, also of those in empty space, ``(N, S)``.
    """

    points: Array
    directions: Array
    places: npt.NDArray[np.int64]
    lengths: Array


def samples_of(rays: Rays, distances: Array, far: Array, occupancy: Occupancy) -> Samples:
    """Return the samples of rays that are not in empty space.

    Args:
        rays: ``N`` of them.
        distances: of the samples, ``(N, S)``, rising.
        far: where the rays end, ``(N,)``.
        occupancy: what is empty.
    """
    points = rays.origins[:, None] + distances[..., None] * rays.directions[:, None]
    places = np.flatnonzero(occupancy(points))
    of = places // distances.shape[1]
    return Samples(points.reshape(-1, 3)[places], rays.directions[of], places, intervals(distances, far))


class Composited(NamedTuple):
    """What rays see.

    Attributes:
        colours: ``(N, 3)`` from 0 to 1.
        opacities: the share of the background that is hidden, ``(N,)``.
        weights: of the samples' colours, ``(N, S)``.
    """

    colours: Array
    opacities: Array
    weights: Array


def composite(samples: Samples, densities: Array, colours: Array, *, background: float = 1.0) -> Composited:
    """Let light through the samples: ``C = Σ T_i (1 − exp(−σ_i δ_i)) c_i`` (equation 3), the rest is background.

    Args:
        samples: where the field was asked.
        densities: ``(M,)``.
        colours: ``(M, 3)``.
        background: its grey, 1 for white.
    """
    flat = np.zeros(samples.lengths.size, np.float32)
    flat[samples.places] = densities * samples.lengths.ravel()[samples.places]
    depths = flat.reshape(samples.lengths.shape)
    through = np.exp(depths - np.cumsum(depths, axis=1))  # T_i, of what lies before the i-th sample
    weights = through * -np.expm1(-depths)
    seen = np.zeros((*weights.shape, 3), np.float32).reshape(-1, 3)
    seen[samples.places] = colours * weights.ravel()[samples.places, None]
    opacities = weights.sum(axis=1)
    mixed = seen.reshape(*weights.shape, 3).sum(axis=1) + background * (1 - opacities[:, None])
    return Composited(mixed, opacities, weights)


def render_rays(
    fields: Sequence[Field], rays: Rays, marching: Marching, occupancy: Occupancy, *, background: float = 1.0
) -> Composited:
    """Return what rays see, sampled in the middles of the parts.

    Args:
        fields: one, or a coarse one, which says where the second is asked more.
        rays: ``N`` of them.
        marching: how they go.
        occupancy: what is empty.
        background: its grey, 1 for white.
    """
    near, far = marching.bounds(rays)
    distances = stratified(near, far, np.full((len(near), marching.samples), 0.5, np.float32))
    seen = _asked(fields[0], samples_of(rays, distances, far, occupancy), background)
    for field in fields[1:]:
        shares = (np.arange(marching.fine_samples, dtype=np.float32) + 0.5) / marching.fine_samples
        distances = refined(distances, seen.weights, np.broadcast_to(shares, (len(near), len(shares))))
        seen = _asked(field, samples_of(rays, distances, far, occupancy), background)
    return seen


def _asked(field: Field, samples: Samples, background: float) -> Composited:
    return composite(samples, *ask(field, samples.points, samples.directions), background=background)


def ask(field: Field, points: Array, directions: Array) -> tuple[Array, Array]:
    """Return what a field answers for any number of points, also for none; it is asked for some at a time."""
    densities, colours = [np.zeros(0, np.float32)], [np.zeros((0, 3), np.float32)]
    for part in _parts(len(points), POINTS_AT_ONCE):
        density, colour = field(points[part], directions[part])
        densities.append(density)
        colours.append(colour)
    return np.concatenate(densities), np.concatenate(colours)


def render_picture(
    fields: Sequence[Field], rays: Rays, marching: Marching, occupancy: Occupancy, size: tuple[int, int]
) -> Array:
    """Return the picture ``(H, W, 3)`` float32 from 0 to 1 that the rays of all its pixels see, before white.

    Args:
        fields: see :func:`render_rays`.
        rays: of a camera.
        marching: see there.
        occupancy: see there.
        size: width and height.
    """
    parts = [
        render_rays(fields, rays.chosen(part), marching, occupancy).colours
        for part in _parts(len(rays.origins), RAYS_AT_ONCE)
    ]
    width, height = size
    picture: Array = np.clip(np.concatenate(parts), 0, 1).reshape(height, width, 3)
    return picture


def _parts(count: int, most: int) -> Iterator[slice]:
    for start in range(0, count, most):
        yield slice(start, start + most)
