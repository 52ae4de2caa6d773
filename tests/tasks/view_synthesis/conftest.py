from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_scene import write_scene
from training_runs import NO_CURVES, configured, loop_of

from seetell.cli.main import main
from seetell.data.posed_photos import read_posed_photos

SMALL: dict[str, Any] = {
    "nerf": {
        "model": "nerf",
        "nerf": {"layers": 3, "width": 32, "skip": 2, "frequencies": 4, "direction_frequencies": 1},
    },
    "voxel_grid": {"model": "voxel_grid", "voxel_grid": {"resolution": 16, "degree": 1}},
}
"""The section of each model in sizes for tests."""


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene, not to be written to."""
    return write_scene(tmp_path_factory.mktemp("scene") / "ball")


def recipe(scene: Path, model: str) -> dict[str, Any]:
    """Return a run that learns the ball in a second or three."""
    section = {"half_side": 1.0, "near": 2.5, "far": 5.5, "samples": 16, "fine_samples": 16, "cells": 16}
    return {
        "task": "view_synthesis",
        "name": f"ball-{model}",
        "data": {"path": str(scene)},
        "view_synthesis": {**section, "prune_from": 20, "centre_steps": 5, **SMALL[model]},
        "optimiser": {"learning_rate": 1e-2 if model == "nerf" else 2e-1},
        "batch_size": 192,
        "steps": 60 if model == "voxel_grid" else 150,
        "validation": {"every": 30, "photos": 2},
        "checkpoint_every": 20,
        "log_every": 10,
        "threads": 1,
    }


@pytest.fixture(scope="session", params=["voxel_grid", pytest.param("nerf", marks=pytest.mark.slow)])
def trained(request: pytest.FixtureRequest, scene: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of a model and its run, not to be written to."""
    folder = tmp_path_factory.mktemp("scenes") / request.param
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(*NO_CURVES)
        loop_of(configured(recipe(scene, request.param)), read_posed_photos(scene), folder).run()
    return request.param, folder


@pytest.fixture(scope="session")
def bundle(trained: tuple[str, Path]) -> Path:
    """The bundle of a run, not to be written to."""
    model, run = trained
    target = run.parent / f"{model}-bundle"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run), str(target)])
    assert not ended.value.code
    return target
