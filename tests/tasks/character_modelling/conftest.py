from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

LINES = """A dog runs through the grass.
Two men play chess in the park.
A cat sleeps on a red sofa.
The girl said "hello" to him.
Snow lies on the dark roofs.
A train (late) leaves the hall.
He reads 12 books a year.
Birds sit on the wire.
A boy eats an apple.
The sea is calm today.
"""


@pytest.fixture(scope="session")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the same ten lines four times, of which the last half is validated on."""
    file = tmp_path_factory.mktemp("lines") / "lines.txt"
    file.write_text(LINES * 4, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def characters_recipe(lines: Path) -> dict[str, Any]:
    """A recipe of a small model that learns the ten lines by heart."""
    return {
        "task": "character_modelling",
        "name": "lines",
        "data": {"path": str(lines)},
        "optimiser": {"name": "adam", "learning_rate": 2e-2, "betas": [0.9, 0.99], "clip": 1.0, "clip_kind": "norm"},
        "validation": {"every": 50},
        "batch_size": 8,
        "steps": 160,
        "checkpoint_every": 1000,
        "log_every": 1,
        "threads": 1,
        "device": "cpu",
        "character_modelling": {"hidden": 64, "layers": 1, "sequence": 34, "validation_share": 0.5},
    }


@pytest.fixture(scope="session")
def characters_run(characters_recipe: dict[str, Any], lines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of that model, not to be written to."""
    from training_runs import NO_CURVES, configured, loop_of

    from seetell.tasks.character_modelling.train import Training

    folder = tmp_path_factory.mktemp("character-runs") / "run"
    config = Training.complete(configured(characters_recipe))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(*NO_CURVES)
        loop_of(config, Training.read(config), folder).run()
    return folder


@pytest.fixture(scope="session")
def characters_bundle(characters_run: Path) -> Path:
    """The bundle of that model, not to be written to."""
    from seetell.export.exporter import export_run
    from seetell.tasks.registry import find_task

    target = characters_run.parent / "lines"
    export_run(characters_run, target, find_task=find_task)
    return target
