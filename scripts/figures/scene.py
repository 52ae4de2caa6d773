"""Draw a scene whose places are known, from all around, in the layout of NeRF's synthetic scenes: to learn views on.

    python scripts/figures/scene.py scene --side 120

writes ``scene/transforms_train.json`` with 40 photos, and 4 to validate and 4 to test on. A ball whose colours change
from place to place lies above a chequered board; what is behind them is transparent.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.geometry.cameras import Camera, Rays, turn

DISTANCE, ANGLE = 4.0, 0.55
CENTRE, RADIUS = np.array([0.0, 0.0, 0.25]), 0.45
BOARD = np.array([[[-0.6, -0.6, -0.5]], [[0.6, 0.6, -0.3]]])
"""Its opposite corners."""
FIELD = 0.3
"""Side of a field of the board."""

HEIGHTS = {"train": ((0, 10), (25, 10), (45, 10), (65, 10)), "val": ((15, 4),), "test": ((35, 4),)}
"""By split, elevations in degrees, and how many photos are taken at each."""


def colours_of(rays: Rays) -> np.ndarray:
    """Return the colour and opacity of what each ray meets first, ``(N, 4)`` from 0 to 1."""
    start, along = rays.origins.astype(np.float64), rays.directions.astype(np.float64)
    offset = start - CENTRE
    half = -(offset * along).sum(axis=1)
    inside = half**2 - (offset**2).sum(axis=1) + RADIUS**2
    ball = np.where(inside > 0, half - np.sqrt(np.maximum(inside, 0)), np.inf)
    with np.errstate(divide="ignore"):
        faces = (BOARD - start) / along
    enter, leave = faces.min(axis=0).max(axis=1), faces.max(axis=0).min(axis=1)
    board = np.where(enter < leave, enter, np.inf)
    nearest = np.minimum(ball, board)
    hit = np.isfinite(nearest)
    points = start + np.where(hit, nearest, 0)[:, None] * along
    dark = np.floor(points[:, :2] / FIELD).astype(int).sum(axis=1) % 2 == 0
    colours = np.where((ball < board)[:, None], 0.5 + points - CENTRE, np.where(dark, 0.3, 0.75)[:, None])
    return np.concatenate([np.clip(colours, 0, 1), np.ones((len(hit), 1))], axis=1) * hit[:, None]


def photograph(pose: np.ndarray, side: int) -> Image.Image:
    """Return what a camera sees, four rays a pixel, so that edges are smooth."""
    fine = 2 * side
    seen = colours_of(Camera(pose, fine / 2 / math.tan(ANGLE / 2), (fine, fine)).rays())
    mean = seen.reshape(side, 2, side, 2, 4).mean(axis=(1, 3))
    opacity = np.maximum(mean[..., 3:], 1e-6)
    pixels = np.concatenate([mean[..., :3] / opacity, mean[..., 3:]], axis=2)
    return Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def draw(folder: Path, side: int) -> None:
    """Write the photos and their cameras."""
    for split, heights in HEIGHTS.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        frames = []
        for elevation, count in heights:
            for pose in turn(count, distance=DISTANCE, elevation=elevation):
                name = f"./{split}/r_{len(frames)}"
                photograph(pose, side).save(folder / f"{name}.png")
                frames.append({"file_path": name, "transform_matrix": pose.tolist()})
        content = {"camera_angle_x": ANGLE, "frames": frames}
        (folder / f"transforms_{split}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Draw a scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--side", type=int, default=100, help="of a photo in pixels")
    given = parser.parse_args(arguments)
    draw(given.folder, given.side)


if __name__ == "__main__":
    main()
