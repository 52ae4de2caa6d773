"""Checkpoints: one safetensors file that holds everything a run needs to go on as if it had never stopped.

Arrays are stored under ``part.name``; numbers and text as JSON in the file's header. A checkpoint is written under
another name, forced to the disk and renamed, so that at every moment the old or the new one is whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from seetell.errors import CheckpointError

Arrays = dict[str, Tensor]


def write_checkpoint(path: Path, parts: Mapping[str, Mapping[str, Tensor]], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint in one go.

    Args:
        path: the file; replaced if it is there.
        parts: arrays by part and name, such as ``{"captioner": module.state_dict()}``.
        facts: JSON-ready values, such as the step.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written; an older checkpoint stays as it was.
    """
    arrays = {
        f"{part}.{name}": value.detach().cpu().contiguous().clone()
        for part, named in parts.items()
        for name, value in named.items()
    }
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(arrays, partial, metadata={"facts": json.dumps(facts)})
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"{path}: cannot write the checkpoint: {error}; free some space and start again"
        ) from error


def read_checkpoint(path: Path) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """Read what :func:`write_checkpoint` wrote.

    Returns:
        Arrays by part and name, and the facts.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    parts: dict[str, Arrays] = {}
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            for key in file.keys():  # noqa: SIM118 — not a mapping
                part, _, name = key.partition(".")
                parts.setdefault(part, {})[name] = file.get_tensor(key)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of seetell: {error!r}") from error
    return parts, facts


def optimiser_arrays(optimiser: Optimizer) -> Arrays:
    """Flatten an optimiser's moments into named arrays, ``"3.exp_avg"`` for the fourth parameter's average."""
    state = optimiser.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, moments in state.items()
        for name, value in moments.items()
        if value is not None
    }


def restore_optimiser(optimiser: Optimizer, arrays: Mapping[str, Tensor]) -> None:
    """Put back the moments that :func:`optimiser_arrays` gave."""
    content = optimiser.state_dict()
    content["state"] = {}
    for key, value in arrays.items():
        index, _, name = key.partition(".")
        content["state"].setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(content)
