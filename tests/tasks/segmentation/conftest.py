from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from training_runs import configured, loop_of

from seetell.tasks.segmentation.train import Training

CLASSES = ("void", "sky", "grass", "red thing")
COLOURS = ((0, 0, 0), (90, 150, 240), (60, 160, 60), (220, 40, 40))


def scene(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture ``(64, 96, 3)`` of grass below the sky with a square on it, and its label map."""
    random = np.random.default_rng(number)
    labels = np.full((64, 96), 1)
    labels[int(random.integers(24, 40)) :] = 2
    top, left = random.integers(4, 36, 2)
    labels[top : top + 24, left : left + 24] = 3
    pixels = np.array(COLOURS)[labels] + random.integers(-20, 20, (64, 96, 3))
    labels[:2] = 0
    return pixels.clip(0, 255).astype(np.uint8), labels.astype(np.uint8)


def write_scenes(folder: Path) -> Path:
    """Write ten scenes, eight to train on, and their classes."""
    for split, numbers in {"train": range(8), "val": (8, 9)}.items():
        (folder / split).mkdir()
        (folder / f"{split}annot").mkdir()
        for number in numbers:
            pixels, labels = scene(number)
            Image.fromarray(pixels).save(folder / split / f"{number}.png")
            Image.fromarray(labels).save(folder / f"{split}annot" / f"{number}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of ten pictures with label maps, not to be written to."""
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="session")
def recipe(scenes: Path, small_encoder: dict[str, str]) -> dict[str, Any]:
    return {
        "task": "segmentation",
        "name": "scenes",
        "data": {"path": str(scenes)},
        "encoder": dict(small_encoder),
        "optimiser": {"learning_rate": 0.01},
        "validation": {"every": 30},
        "batch_size": 4,
        "steps": 60,
        "checkpoint_every": 7,
        "device": "cpu",
        "threads": 1,
        "segmentation": {
            "channels": [8, 8, 8, 8],
            "size": [64, 96],
            "crop": [64, 64],
            "scale": [1.0, 1.0],
            "dropout": 0.0,
            "encoder_optimiser": None,
        },
    }


@pytest.fixture(scope="session")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a U-Net that learns the scenes, not to be written to."""
    folder = tmp_path_factory.mktemp("segmenter") / "run"
    config = Training.complete(configured(recipe))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
        loop_of(config, Training.read(config), folder).run()
    return folder


@pytest.fixture(scope="session")
def bundle(run: Path, one_registry: None) -> Path:
    """Its bundle, not to be written to."""
    from seetell.export.exporter import export_run
    from seetell.tasks.registry import find_task

    export_run(run, run.parent / "bundle", find_task=find_task)
    return run.parent / "bundle"
