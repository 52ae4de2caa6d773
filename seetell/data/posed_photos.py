"""Photos of one scene with the cameras that took them, in the layout of NeRF's synthetic scenes, rendered by Blender.

A folder holds ``transforms_train.json``, ``transforms_val.json`` and ``transforms_test.json``. Each has
``camera_angle_x``, the horizontal field of view in radians, and ``frames`` with ``file_path``, a photo beside the file,
without its ending, and ``transform_matrix``, 4 × 4 from the camera's coordinates to the world's: the camera looks along
its −z with y up.

Mildenhall et al., "NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis", ECCV 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seetell.data.json_fields import described
from seetell.data.records import SPLITS, PhotoDataset
from seetell.data.source import leads_outside, read_json
from seetell.errors import DataError, PhotoError
from seetell.geometry.cameras import Camera
from seetell.photos import open_photo

ENDINGS = ("", ".png", ".jpg", ".jpeg", ".webp")
"""Of photos, tried in this order."""

FARTHEST = 1e6
"""How far from the origin a camera may stand along each axis; rays are computed in single precision."""

TOLERANCE = 1e-3
"""How far a camera's axes may be from perpendicular and from length 1."""

MOST_PIXELS = 200_000_000
"""Of all photos that are opened together: 12 bytes each, and as much again for their rays."""


@dataclass(frozen=True, eq=False)
class PosedPhoto:
    """A photo and where it was taken.

    Attributes:
        id: as the file names it, such as ``train/r_0``.
        path: the image file.
        split: ``train``, ``val`` or ``test``.
        pose: ``(4, 4)``, see :class:`~seetell.geometry.cameras.Camera`.
        angle: its horizontal field of view in radians.
    """

    id: str
    path: Path
    split: str
    pose: npt.NDArray[np.float64]
    angle: float

    def camera(self, size: tuple[int, int]) -> Camera:
        """Return the camera.

        Args:
            size: width and height of its picture in pixels.
        """
        return Camera(self.pose, size[0] / 2 / math.tan(self.angle / 2), size)


@dataclass(frozen=True, eq=False)
class Shot:
    """An opened photo and its camera.

    Attributes:
        camera: of the photo's size.
        colours: before white, ``(H, W, 3)`` float32 from 0 to 1.
        opacity: ``(H, W)`` float32 from 0 for background to 1; ones where the photo says nothing of it.
    """

    camera: Camera
    colours: npt.NDArray[np.floating]
    opacity: npt.NDArray[np.floating]


def read_posed_photos(folder: str | Path) -> PhotoDataset[PosedPhoto]:
    """Read the cameras of a scene; photos are not opened.

    Args:
        folder: of the scene.

    Raises:
        DataError: there is no file of cameras, one is none, or a photo is missing or outside the folder; the message
            names file and frame.
    """
    folder = Path(folder)
    files = {split: folder / f"transforms_{split}.json" for split in SPLITS}
    if not any(path.is_file() for path in files.values()):
        raise DataError(
            f"{folder}: expected a folder with transforms_train.json, and _val and _test, the cameras of a scene in "
            "Blender's layout; it has none of them"
        )
    photos = tuple(photo for split, path in files.items() if path.is_file() for photo in _photos(folder, path, split))
    return PhotoDataset(folder.resolve().name, folder, photos, format="cameras of Blender (transforms_*.json)")


def open_shots(photos: Sequence[PosedPhoto]) -> list[Shot]:
    """Open photos of a scene, of one split or several.

    Raises:
        DataError: one does not open, they have different sizes, or too many pixels; all must be sound, for a scene is
            learnt from all of them together.
    """
    shots: list[Shot] = []
    for photo in photos:
        try:
            pixels = np.asarray(open_photo(photo.path, transparent=True)).astype(np.float32) / 255
        except PhotoError as error:
            raise DataError(f"{photo.id}: {error}; a scene is learnt from all of its photos") from error
        height, width = pixels.shape[:2]
        if shots and shots[0].camera.size != (width, height):
            raise DataError(
                f"{photo.path}: is {width}×{height}, {photos[0].path.name} is "
                f"{shots[0].camera.size[0]}×{shots[0].camera.size[1]}; photos of a scene have one size"
            )
        if len(photos) * width * height > MOST_PIXELS:
            raise DataError(
                f"{photo.path.parent}: {len(photos)} photos of {width}×{height} are too many pixels; at most "
                f"{MOST_PIXELS // 10**6} million: make the photos smaller"
            )
        opacity = pixels[..., 3]
        colours = pixels[..., :3] * opacity[..., None] + (1 - opacity[..., None])
        shots.append(Shot(photo.camera((width, height)), colours, opacity))
    return shots


def _photos(folder: Path, path: Path, split: str) -> list[PosedPhoto]:
    content = read_json(path)
    angle = content.get("camera_angle_x") if isinstance(content, dict) else None
    if not isinstance(angle, (int, float)) or isinstance(angle, bool) or not 0 < angle < math.pi:
        got = angle if isinstance(angle, (int, float)) else described(angle)
        raise DataError(f"{path}: expected camera_angle_x, a field of view above 0 and below π radians, got {got}")
    frames = content.get("frames")
    if not isinstance(frames, list) or not frames:
        raise DataError(f"{path}: frames: expected a list of at least one, got {described(frames)}")
    return [_photo(folder, frame, f"{path}: frame {number}", split, angle) for number, frame in enumerate(frames)]


def _photo(folder: Path, frame: Any, where: str, split: str, angle: float) -> PosedPhoto:
    if not isinstance(frame, dict):
        raise DataError(f"{where}: expected an object with file_path and transform_matrix, got {described(frame)}")
    name = frame.get("file_path")
    if not isinstance(name, str) or not name or "\0" in name:
        raise DataError(f"{where}: expected file_path, the name of a photo, got {described(name)}")
    if leads_outside(name):
        raise DataError(f"{where}: expected file_path, a photo inside the scene's folder, got {name!r}")
    found = [place for ending in ENDINGS if (place := folder / f"{name}{ending}").is_file()]
    if not found:
        raise DataError(f"{where}: there is no photo {folder / name}, with or without .png")
    if not found[0].resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{where}: {found[0]} is a link out of the scene's folder; copy the photo there")
    return PosedPhoto(name.removeprefix("./"), found[0], split, _pose(frame.get("transform_matrix"), where), angle)


def _pose(value: Any, where: str) -> npt.NDArray[np.float64]:
    try:
        pose = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        pose = np.zeros(0)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        got = "NaN or ∞ among them" if pose.shape == (4, 4) else described(value)
        raise DataError(f"{where}: expected transform_matrix, a 4 × 4 matrix of finite numbers, got {got}")
    if np.abs(pose).max() > FARTHEST:
        largest = pose.flat[np.abs(pose).argmax()]
        raise DataError(f"{where}: transform_matrix: expected numbers within ±{FARTHEST:g}, got {largest:g}")
    axes = pose[:3, :3]
    if np.abs(axes.T @ axes - np.eye(3)).max() > TOLERANCE or np.linalg.det(axes) < 0:
        raise DataError(
            f"{where}: transform_matrix: its first three columns are no axes of a camera, right-handed, of length 1"
        )
    return pose
