"""Pinhole cameras: where the ray of each pixel begins and where it goes, and cameras that turn around a scene.

A camera looks along its −z, x points right and y up, as in OpenGL and Blender; the world's z points up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


class Rays(NamedTuple):
    """Half-lines.

    Attributes:
        origins: where they begin, ``(N, 3)`` float32.
        directions: where they go, ``(N, 3)`` float32 of length 1.
    """

    origins: Array
    directions: Array

    def chosen(self, rows: slice | npt.NDArray[np.integer]) -> Rays:
        """Return some of the rays."""
        return Rays(self.origins[rows], self.directions[rows])


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera without distortion, whose axis goes through the middle of its picture.

    Attributes:
        pose: ``(4, 4)``, from the camera's coordinates to the world's.
        focal: focal length in pixels.
        size: width and height of its picture in pixels.
    """

    pose: npt.NDArray[np.float64]
    focal: float
    size: tuple[int, int]

    def rays(self) -> Rays:
        """Return the rays through the middles of all pixels, row by row; ``N`` is their number."""
        width, height = self.size
        rows, columns = np.mgrid[:height, :width].reshape(2, -1)
        x, y = (columns + 0.5 - width / 2) / self.focal, -(rows + 0.5 - height / 2) / self.focal
        directions = np.stack([x, y, np.full(len(x), -1.0)], axis=1)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        origins = np.broadcast_to(self.pose[:3, 3].astype(np.float32), directions.shape)
        return Rays(origins, (directions @ self.pose[:3, :3].T).astype(np.float32))

    def project(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return where points ``(N, 3)`` of the world appear, ``(3, N)``.

        The first row is to the right and the second down, in pixels from the corner of the picture; the third is how
        far they lie before the camera, along its axis. What lies behind it has no meaning in the first two.
        """
        x, y, z = ((np.asarray(points, np.float64) - self.pose[:3, 3]) @ self.pose[:3, :3]).T
        width, height = self.size
        depths = np.where(z == 0, -1e-12, z)
        return np.stack([width / 2 - self.focal * x / depths, height / 2 + self.focal * y / depths, -z])

    def resized(self, size: tuple[int, int]) -> Camera:
        """Return a camera with the same view from left to right whose picture has another width and height."""
        return Camera(self.pose, self.focal * size[0] / self.size[0], size)


def look_at(position: npt.ArrayLike, target: npt.ArrayLike = (0.0, 0.0, 0.0)) -> npt.NDArray[np.float64]:
    """Return the pose, ``(4, 4)``, of an upright camera that looks from a position to a target.

    Args:
        position: ``(3,)``.
        target: ``(3,)``, neither the position nor straight above or below it.
    """
    position, target = np.asarray(position, np.float64), np.asarray(target, np.float64)
    back = position - target
    back = back / np.linalg.norm(back)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, position], axis=1)
    return pose


def turn(views: int, *, distance: float, elevation: float) -> list[npt.NDArray[np.float64]]:
    """Return poses, evenly spread over one turn around the world's z, that look at its origin.

    Args:
        views: how many.
        distance: from the origin.
        elevation: above the horizon, in degrees from −90 to 90, both excluded.
    """
    height = np.radians(elevation)
    angles = 2 * np.pi * np.arange(views) / views
    return [
        look_at(distance * np.array([np.cos(height) * np.cos(a), np.cos(height) * np.sin(a), np.sin(height)]))
        for a in angles
    ]


def through_cube(rays: Rays, half_side: float) -> tuple[Array, Array]:
    """Return where rays enter and leave the cube around the origin, as distances from their origins.

    Args:
        rays: ``N`` of them.
        half_side: of the cube, whose faces stand at ± this.

    Returns:
        Two arrays ``(N,)``; rays that miss the cube leave it where they enter it, and none enters before 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        faces = (np.array([-half_side, half_side], np.float32)[:, None, None] - rays.origins) / rays.directions
    # a ray along a face is within its slab (−∞, ∞) or never (NaN where it runs in the face itself)
    enter = np.maximum(np.nan_to_num(faces.min(axis=0), nan=-np.inf).max(axis=1), 0)
    leave = np.nan_to_num(faces.max(axis=0), nan=np.inf).min(axis=1)
    missed = leave <= enter
    enter = np.where(missed, 0, enter)
    return enter.astype(np.float32), np.where(missed, enter, leave).astype(np.float32)
