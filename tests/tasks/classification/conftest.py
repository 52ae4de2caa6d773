from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seetell.tasks.classification.config import ClassificationConfig
from seetell.training.config import RunConfig, config_from_dict, only

COLOURS = {"blue": (30, 60, 220), "green": (40, 180, 60), "red": (220, 40, 50)}


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty-two images of three colours, a folder each, not to be written to."""
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("classes") / "colours"
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(14):
            pixels = np.array(colour) + random.integers(-30, 30, (64, 80, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty grey images, each with a coloured rectangle somewhere and its box in YOLO's format; not to be written to.

    A small green rectangle is in the corner of all.
    """
    random, folder = np.random.default_rng(1), tmp_path_factory.mktemp("boxes") / "placed"
    for split, count in {"train": 48, "val": 12}.items():
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        for number in range(count):
            label = ("red", "blue")[number % 2]
            left, top, width, height = *random.integers(4, 30, 2), *random.integers(20, 30, 2)
            image = Image.new("RGB", (80, 64), (120, 120, 120))
            image.paste(COLOURS[label], (left, top, left + width, top + height))
            image.paste(COLOURS["green"], (76, 60, 80, 64))
            image.save(folder / "images" / split / f"{number}.png")
            lines = [(2, 78, 62, 4, 4), (int(label == "red"), left + width / 2, top + height / 2, width, height)]
            text = "".join(f"{c} {x / 80} {y / 64} {w / 80} {h / 64}\n" for c, x, y, w, h in lines)
            (folder / "labels" / split / f"{number}.txt").write_text(text)
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [blue, red, green]\n")
    return folder


@pytest.fixture(scope="session")
def colours_config(
    colours: Path, small_encoder: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., RunConfig]:
    """Make the configuration of a small run on them."""
    cache = tmp_path_factory.mktemp("cache")

    def make(**changes: Any) -> RunConfig:
        content: dict[str, Any] = {
            "task": "classification",
            "name": "colours",
            "data": {"path": str(colours)},
            "encoder": {**small_encoder, "image_size": 32, "cache": str(cache)},
            "classification": {},
            "optimiser": {"name": "adam", "learning_rate": 3e-2, "betas": [0.9, 0.999], "clip": 0},
            "validation": {"every": 5},
            "batch_size": 8,
            "steps": 20,
            "checkpoint_every": 3,
            "log_every": 1,
            "threads": 1,
        }
        for key, value in changes.items():
            content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
        return config_from_dict(content, only(classification=ClassificationConfig))

    return make
