"""What ``model.json`` says of a bundle: where its weights come from, under which terms, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from seetell.export.declaration import Declaration, Origin
from seetell.runtime.bundle import FORMAT, read_description
from seetell.runtime.file_hashes import file_hash
from seetell.training.config import UNSPECIFIED, CardConfig
from seetell.training.trained import Trained

VOCABULARY, LABELS = "vocabulary.json", "labels.json"
DESCRIPTION = "model.json"

MACHINE_ONLY = (
    *("device", "threads", "card", "init_from", "teachers", "tagger", "path", "cache", "boxes", "fonts", "store"),
    "detector",
)
"""Fields of a configuration that hold on one machine only, or that ``model.json`` has under another name."""


def origin_of(trained: Trained, declared: Declaration) -> Origin:
    """Return where the weights of a run come from."""
    config = trained.config
    return Origin(
        task=config.task,
        preprocessing=trained.encoder.preprocessing,
        vocabulary=trained.vocabulary,
        encoder=config.encoder.name,
        encoder_parameters=_parameters(trained.encoder),
        name=config.name,
        card=_inherited(declared.card or config.card, Path(config.init_from) if config.init_from else None),
        command=f"seetell train {config.name}",
        started_from=Path(config.init_from).name,
        config=portable_config(config.to_dict()),
        trained_steps=trained.metadata["step"],
        scores=trained.metadata["scores"] if declared.scores is None else declared.scores,
    )


def description_of(origin: Origin, declared: Declaration, folder: Path, *, name: str) -> dict[str, Any]:
    """Return the content of ``model.json`` but for its graphs."""
    files = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    description: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "task": origin.task,
        "architecture": declared.architecture,
        "preprocessing": origin.preprocessing.to_dict(),
    }
    if origin.vocabulary is not None:
        size = len(origin.vocabulary)
        description["vocabulary"] = {"file": VOCABULARY, "sha256": origin.vocabulary.hash, "size": size}
    if declared.labels:
        description["labels"] = {"file": LABELS, "sha256": files[LABELS], "size": len(declared.labels)}
    return description | {
        "graphs": {},
        "settings": declared.settings,
        "parameters": {"encoder": origin.encoder_parameters, "model": sum(map(_parameters, declared.models))},
        "encoder": origin.encoder,
        "files": files,
        "licence": origin.card.licence,
        "training_data": origin.card.training_data,
        "terms": origin.card.terms,
        "command": origin.command,
        "started_from": origin.started_from,
        "distilled_from": list(declared.distilled_from),
        "config": dict(origin.config),
        "trained_steps": origin.trained_steps,
        "scores": {"val": {**origin.scores, "command": origin.command}} if origin.scores else {},
        "parity": {},
    }


def _inherited(card: CardConfig, started_from: Path | None) -> CardConfig:
    """Return a card on which rights left unspecified are those of the bundle that the run started from, if from one."""
    if started_from is None or not (started_from / DESCRIPTION).is_file():
        return card
    before = read_description(started_from)
    known = {key: before.get(key, value) if value == UNSPECIFIED else value for key, value in vars(card).items()}
    if card.training_data == UNSPECIFIED:
        known["training_data"] = f"the photos of this run; before, as {before['name']}: {known['training_data']}"
    return replace(card, **known)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def portable_config(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's configuration without what holds on one machine only, such as paths."""
    return {
        key: portable_config(value) if isinstance(value, Mapping) else value
        for key, value in content.items()
        if key not in MACHINE_ONLY and not (key in ("photos", "captions", "words") and not isinstance(value, int))
    }
