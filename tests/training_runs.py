"""Small training runs: configurations from plain types, runs that stop early, and the comparison of two runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import small_encoder
import torch
from several_processes import run_together

from seetell.tasks.registry import find_task
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import RunConfig, Section, config_from_dict
from seetell.training.loop import TrainingLoop
from seetell.training.processes import Processes
from seetell.training.run_log import read_log
from seetell.training.trained import Trained, load_trained

Patches = Sequence[tuple[str, Any]]


def draw_nothing(*given: Any, **options: Any) -> None:
    """Draw no curves, which takes longer than a small run."""


NO_CURVES = ("seetell.training.loop.draw_curves", draw_nothing)


def sections(task: str) -> type[Section]:
    """Return a task's section."""
    return find_task(task).load("config")


def merged(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested plain types with some of them changed."""
    result = dict(content)
    for key, value in changes.items():
        result[key] = merged(result.get(key, {}), value) if isinstance(value, Mapping) else value
    return result


def configured(content: Mapping[str, Any], **changes: Any) -> RunConfig:
    """Return the configuration of a run, some fields changed."""
    return config_from_dict(merged(content, changes), sections)


def loop_of(config: RunConfig, dataset: Any, folder: Path, **callbacks: Any) -> TrainingLoop:
    """Return the loop of a run."""
    return TrainingLoop(find_task(config.task).load("train"), config, dataset, folder, **callbacks)


def trained_in(folder: Path, task: str) -> Trained:
    """Return the best weights of a run of a task."""
    return load_trained(folder, find_task(task).load("model"), sections)


UNTIMED = {"seconds_per_step": 0, "cpu_seconds": 0}
"""Of a line of a log, what no two runs have in common."""


class StoppedError(Exception):
    """The run was stopped by :func:`stop_at`."""


def stop_at(step: int) -> Callable[[int, float], None]:
    """Return a callback that stops a run after a step."""

    def on_step(done: int, loss: float) -> None:
        if done == step:
            raise StoppedError

    return on_step


def logged(folder: Path, key: str) -> list[tuple[int, float]]:
    """Return the steps and values of a run's log that have a key."""
    return [(line["step"], line[key]) for line in read_log(folder / "log.jsonl") if key in line]


def assert_same_run(ours: Path, theirs: Path) -> None:
    """Compare log, checkpoint and best weights of two runs bit by bit."""
    for line, other in zip(*(read_log(folder / "log.jsonl") for folder in (ours, theirs)), strict=True):
        assert line | UNTIMED == other | UNTIMED
    for name in ("checkpoint", "best"):
        parts, metadata = read_checkpoint(ours / f"{name}.safetensors")
        expected_parts, expected = read_checkpoint(theirs / f"{name}.safetensors")
        assert metadata == expected
        assert parts.keys() == expected_parts.keys()
        for part, arrays in expected_parts.items():
            assert all(torch.equal(parts[part][key], value) for key, value in arrays.items()), part


def train_together(count: int, config: RunConfig, dataset: Any, folder: Path, *, patches: Patches = ()) -> None:
    """Train a run in several processes, in which attributes are replaced before."""
    for outcome in run_together(count, _train, config, dataset, folder, patches):
        if outcome is not None:
            raise outcome


def _train(processes: Processes, config: RunConfig, dataset: Any, folder: Path, patches: Patches) -> None:
    small_encoder.register()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (NO_CURVES, *patches):
            patched.setattr(name, value)
        with processes.first_then_others():
            loop = loop_of(config, dataset, folder, processes=processes)
        loop.run()


def assert_two_train_as_one(config: RunConfig, dataset: Any, folder: Path, *, patches: Patches = ()) -> None:
    """Compare the log of a run with that of the same run in two processes."""
    loop_of(config, dataset, folder / "one").run()
    train_together(2, config, dataset, folder / "two", patches=patches)
    one, two = (read_log(folder / name / "log.jsonl") for name in ("one", "two"))
    assert len(one) == len(two) >= config.steps
    for line, other in zip(one, two, strict=True):
        expected = {key: pytest.approx(value, rel=2e-3, abs=2e-5) for key, value in line.items()}
        assert other | UNTIMED == expected | UNTIMED
