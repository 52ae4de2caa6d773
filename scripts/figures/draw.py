"""Draw stick figures whose joints are known, in COCO's format of key points: something to learn poses on.

    python scripts/figures/draw.py figures --count 400

writes ``figures/images``, ``figures/person_keypoints_train.json`` and ``figures/person_keypoints_val.json``; every
fifth picture is to validate on. The 14 joints are those of the Leeds Sports Pose data set (Johnson & Everingham, BMVC
2010), which DeepPose was trained on, in its order. Figures face the viewer, so that their left is on the right of the
picture.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

JOINTS = [
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "neck",
    "head_top",
]
LIMBS = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 12), (12, 9), (9, 10), (10, 11), (12, 13)]
TORSO = [(8, 9), (9, 3), (3, 2), (2, 8)]


def joints(random: np.random.Generator, height: float) -> np.ndarray:
    """Return the joints ``(14, 2)`` of a figure in a random pose, from the middle of its hips, about so high."""
    lean = random.uniform(-0.25, 0.25)
    up = np.array([np.sin(lean), -np.cos(lean)])
    across = np.array([-up[1], up[0]])  # towards the right of the picture, the figure's left
    unit = height / 8
    neck, hips, shoulders = 2.6 * unit * up, 0.6 * unit * across, 1.0 * unit * across
    found = np.zeros((14, 2))
    found[[2, 3, 8, 9, 12, 13]] = [-hips, hips, neck - shoulders, neck + shoulders, neck, neck + 1.4 * unit * up]
    for side, (ankle, knee, hip, wrist, elbow, shoulder) in ((-1, (0, 1, 2, 6, 7, 8)), (1, (5, 4, 3, 11, 10, 9))):
        thigh = side * random.uniform(-0.1, 0.8)
        shin = thigh - side * random.uniform(0, 0.8)
        arm = side * random.uniform(0.1, 2.6)
        forearm = arm + side * random.uniform(-0.2, 1.4)
        found[knee] = found[hip] + 1.9 * unit * np.array([np.sin(thigh), np.cos(thigh)])
        found[ankle] = found[knee] + 1.9 * unit * np.array([np.sin(shin), np.cos(shin)])
        found[elbow] = found[shoulder] + 1.5 * unit * np.array([np.sin(arm), np.cos(arm)])
        found[wrist] = found[elbow] + 1.4 * unit * np.array([np.sin(forearm), np.cos(forearm)])
    return found


def picture(random: np.random.Generator, side: int, figures: int) -> tuple[Image.Image, list[np.ndarray]]:
    """Return a square picture of some figures beside each other, and the joints of each, ``(14, 2)`` in pixels."""
    ground = np.clip(random.integers(60, 220, 3) + random.normal(0, 12, (side, side, 3)), 0, 255)
    drawn = Image.fromarray(ground.astype(np.uint8))
    pen = ImageDraw.Draw(drawn)
    found = []
    for number in range(figures):
        room = side / figures
        points = joints(random, min(0.8 * side, 1.5 * room) * random.uniform(0.75, 1))
        low, high = points.min(axis=0), points.max(axis=0)
        points = points * min(1.0, *((np.array([room, side]) - 10) / (high - low)))
        low, high = points.min(axis=0), points.max(axis=0)
        free = np.array([room, side]) - (high - low) - 8
        points = points - low + 4 + free * random.random(2) + [number * room, 0]
        colour = tuple(int(each) for each in random.choice([random.integers(0, 50, 3), random.integers(205, 256, 3)]))
        thick = max(2, round(0.02 * side))
        pen.polygon([tuple(points[place]) for place in (8, 9, 3, 2)], fill=colour)
        for first, second in LIMBS:
            pen.line([tuple(points[first]), tuple(points[second])], fill=colour, width=thick)
        middle, radius = points[[12, 13]].mean(axis=0) * [1, 1], np.linalg.norm(points[13] - points[12]) / 2.2
        pen.ellipse([*(middle - radius), *(middle + radius)], fill=colour)
        found.append(points)
    return drawn, found


def write_figures(folder: Path, count: int, *, side: int = 160, most: int = 1, seed: int = 0) -> Path:
    """Write pictures and joints.

    Args:
        folder: is created.
        count: of pictures.
        side: of each, in pixels.
        most: figures in a picture, at least one.
        seed: another draws others.

    Returns:
        The folder.
    """
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    documents: dict[str, dict[str, Any]] = {
        split: {
            "images": [],
            "annotations": [],
            "categories": [
                {"id": 1, "name": "person", "keypoints": JOINTS, "skeleton": [[a + 1, b + 1] for a, b in LIMBS + TORSO]}
            ],
        }
        for split in ("train", "val")
    }
    for number in range(count):
        drawn, figures = picture(random, side, int(random.integers(1, most + 1)))
        document = documents["val" if number % 5 == 4 else "train"]
        drawn.save(folder / "images" / f"{number}.png")
        image = {"id": number, "file_name": f"{number}.png", "width": side, "height": side}
        document["images"].append(image)
        for points in figures:
            low, high = np.maximum(points.min(axis=0) - 3, 0), np.minimum(points.max(axis=0) + 3, side)
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [*low.round(2).tolist(), *(high - low).round(2).tolist()],
                    "area": round(float(np.prod(high - low)) / 2, 2),
                    "iscrowd": 0,
                    "keypoints": np.column_stack([points.round(2), np.full(14, 2)]).ravel().tolist(),
                    "num_keypoints": 14,
                }
            )
    for split, document in documents.items():
        (folder / f"person_keypoints_{split}.json").write_text(json.dumps(document))
    return folder


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--most", type=int, default=1, help="figures in a picture")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    write_figures(given.folder, given.count, side=given.side, most=given.most, seed=given.seed)


if __name__ == "__main__":
    main()
