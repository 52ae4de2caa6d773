"""Checkpoints: one safetensors file with everything that resuming a run bit-exactly needs.

Arrays are stored under ``part.name``; numbers and text as JSON in the file's header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from seetell.atomic_write import atomic_file
from seetell.errors import CheckpointError
from seetell.regular_file import open_regular

Arrays = dict[str, Tensor]


def write_checkpoint(path: Path, parts: Mapping[str, Mapping[str, Tensor]], metadata: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file; replaced if it exists.
        parts: arrays by part and name, such as ``{"captioner": module.state_dict()}``.
        metadata: JSON-ready values, such as the step.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written; an older checkpoint is unchanged.
    """
    arrays = {
        f"{part}.{name}": value.detach().cpu().contiguous().clone()
        for part, named in parts.items()
        for name, value in named.items()
    }
    try:
        with atomic_file(path) as file:
            file.write(save(arrays, {"metadata": json.dumps(metadata)}))
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(
            f"{path}: cannot write the checkpoint ({reason}); free some space and start again"
        ) from error


def read_checkpoint(path: Path) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """Read a file of :func:`write_checkpoint`.

    Returns:
        Arrays by part and name, and the metadata.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        open_regular(path).close()  # a pipe would be waited for
        with safe_open(path, "pt") as file:
            metadata = json.loads(file.metadata()["metadata"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 — not a mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of seetell: {error!r}") from error
    return split_parts(arrays), metadata


def split_parts(arrays: Mapping[str, Tensor]) -> dict[str, Arrays]:
    """Group arrays named ``part.name`` by part."""
    parts: dict[str, Arrays] = {}
    for key, value in arrays.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return parts


def optimiser_arrays(optimiser: Optimizer) -> Arrays:
    """Flatten an optimiser's state into named arrays, ``"3.exp_avg"`` being the average of the fourth parameter."""
    state = optimiser.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, moments in state.items()
        for name, value in moments.items()
        if value is not None
    }


def restore_optimiser(optimiser: Optimizer, arrays: Mapping[str, Tensor]) -> None:
    """Restore the state that :func:`optimiser_arrays` returned."""
    content = optimiser.state_dict()
    content["state"] = {int(index): moments for index, moments in split_parts(arrays).items()}
    optimiser.load_state_dict(content)
