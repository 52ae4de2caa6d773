"""Changing the description of a bundle that is there: ``model.json`` and the card, on which its task has its say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seetell.export import card
from seetell.runtime.bundle import read_description
from seetell.tasks.registry import find_task


def write_description(folder: Path, description: Mapping[str, Any]) -> None:
    """Write ``model.json`` and the card ``README.md`` of a bundle, with what its task says of its settings.

    Raises:
        UsageError: no task has the name in the description.
    """
    settings = find_task(description["task"]).about_settings(description["settings"])
    card.write_description(folder, description, settings)


def record_scores(folder: Path, split: str, scores: Mapping[str, Any]) -> None:
    """Record scores in ``model.json`` and on the card, in place of earlier ones of the same split.

    Args:
        folder: the bundle.
        split: what was scored, such as ``val``.
        scores: numbers by name, and the ``command`` that measured them.
    """
    description = read_description(folder)
    description["scores"][split] = dict(scores)
    write_description(folder, description)
