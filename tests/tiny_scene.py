"""A scene that is drawn exactly: a ball with a colour for each direction, seen from all around, in Blender's layout."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seetell.geometry.cameras import Camera, look_at, turn

RADIUS, DISTANCE, ANGLE = 0.7, 4.0, 0.5
SIZE = 24


def write_scene(folder: Path, *, size: int = SIZE) -> Path:
    """Write a scene with eight photos to train on and two of each other split."""
    poses = [*turn(5, distance=DISTANCE, elevation=20), *turn(3, distance=DISTANCE, elevation=60)]
    held_out = [look_at(DISTANCE * np.array(at) / math.sqrt(3)) for at in ((1, 1, 1), (-1, 1, 1))]
    for split, cameras in (("train", poses), ("val", held_out), ("test", held_out)):
        (folder / split).mkdir(parents=True)
        frames = []
        for number, pose in enumerate(cameras):
            name = f"./{split}/r_{number}"
            Image.fromarray(ball(pose, size)).save(folder / f"{name}.png")
            frames.append({"file_path": name, "transform_matrix": pose.tolist()})
        content: dict[str, Any] = {"camera_angle_x": ANGLE, "frames": frames}
        (folder / f"transforms_{split}.json").write_text(json.dumps(content))
    return folder


def ball(pose: np.ndarray, size: int) -> np.ndarray:
    """Return what a camera sees of the ball, ``(size, size, 4)`` uint8, transparent around it."""
    rays = Camera(pose, size / 2 / math.tan(ANGLE / 2), (size, size)).rays()
    along = -(rays.origins * rays.directions).sum(axis=1)
    inside = along**2 - (rays.origins**2).sum(axis=1) + RADIUS**2
    hit = inside > 0
    points = rays.origins + (along - np.sqrt(np.maximum(inside, 0)))[:, None] * rays.directions
    colours = np.where(hit[:, None], 0.5 + 0.4 * points / RADIUS, 0)
    pixels = np.concatenate([colours, hit[:, None]], axis=1)
    return np.rint(pixels * 255).astype(np.uint8).reshape(size, size, 4)
