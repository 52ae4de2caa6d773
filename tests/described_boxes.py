"""Photos with coloured boxes on grey, in Visual Genome's format, and a dense captioner that has seen them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

SIDE = 64
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 70, 220)}
PLACES = ((4, 4, 28, 28), (34, 6, 60, 30), (6, 34, 30, 60), (34, 34, 60, 60))


def write_described_boxes(folder: Path) -> Path:
    """Write twelve photos with two boxes each, their regions and their splits; two photos validate."""
    folder.mkdir(parents=True, exist_ok=True)
    described, splits = [], {"train": [], "val": [], "test": []}
    names = list(COLOURS)
    for number in range(12):
        photo = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
        pen = ImageDraw.Draw(photo)
        regions = []
        for index in range(2):
            colour = names[(number + index * (1 + number // 6)) % 3]
            left, top, right, bottom = PLACES[(number + index * (1 + number % 3)) % 4]
            pen.rectangle((left, top, right - 1, bottom - 1), COLOURS[colour])
            regions.append(
                {
                    "region_id": 10 * number + index,
                    "phrase": f"a {colour} box",
                    "x": left,
                    "y": top,
                    "width": right - left,
                    "height": bottom - top,
                }
            )
        photo.save(folder / f"{number}.jpg", quality=95)
        described.append({"id": number, "regions": regions})
        splits["val" if number >= 10 else "train"].append(number)
    (folder / "region_descriptions.json").write_text(json.dumps(described), encoding="utf-8")
    (folder / "densecap_splits.json").write_text(json.dumps(splits), encoding="utf-8")
    return folder


def dense_run(boxes: Path, encoder: dict[str, Any], cache: Path) -> dict[str, Any]:
    """Return the configuration of a run that takes a second."""
    return {
        "task": "dense_captioning",
        "name": "boxes",
        "data": {"path": str(boxes), "min_count": 1, "flip": False},
        "encoder": {**encoder, "image_size": SIDE, "cache": str(cache)},
        "dense_captioning": {
            "densecap": {
                "strides": [4, 8, 16],
                "width": 16,
                "proposals": {
                    "stride": 8,
                    "anchor_sizes": [16, 32],
                    "hidden_channels": 16,
                    "batch_size_per_image": 32,
                    "pre_nms_top_n": 60,
                },
                "roi_head": {
                    "output_size": 3,
                    "code_size": 16,
                    "batch_size_per_image": 16,
                    "canonical_box_size": 16,
                    "dropout": 0.0,
                },
                "losses": {
                    "proposal_objectness": 1.0,
                    "proposal_box": 1.0,
                    "objectness": 1.0,
                    "box": 1.0,
                    "caption": 1.0,
                },
            },
            "captioner": {"embedding_size": 8, "hidden_size": 16, "image_norm": "layer", "dropout": 0.0},
        },
        "optimiser": {"learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0, "clip_kind": "norm"},
        "validation": {"every": 60},
        "card": {"licence": "CC0", "training_data": "twelve photos of boxes", "terms": "none"},
        "batch_size": 5,
        "steps": 60,
        "threads": 1,
    }
