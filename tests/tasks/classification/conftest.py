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
