"""The folder of one training run: its files, and the check that it belongs to the run at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.config import read_yaml
from seetell.errors import CheckpointError, RecipeError
from seetell.file_lock import FileLock, LockedError
from seetell.training.config import RunConfig, Sections, load_config, save_config

MUTABLE_FIELDS = ("name", "steps", "device", "compile", "threads", "log_every", "checkpoint_every", "card")
"""Fields that may differ when a run is resumed."""


@dataclass(frozen=True)
class RunFolder:
    """Names the files of a run.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The run's configuration with every field, as a recipe."""
        return self.path / "recipe.yaml"

    @property
    def vocabulary(self) -> Path:
        """The words of the model."""
        return self.path / "vocabulary.json"

    @property
    def log(self) -> Path:
        """Losses and scores, one JSON object per line."""
        return self.path / "log.jsonl"

    @property
    def curves(self) -> Path:
        """The log as a figure."""
        return self.path / "curves.png"

    @property
    def checkpoint(self) -> Path:
        """Everything that resuming needs."""
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The weights with the highest validation score."""
        return self.path / "best.safetensors"

    @property
    def predictions(self) -> Path:
        """The predictions of the best weights for the validation photos, in COCO's results format."""
        return self.path / "validation.json"

    def load_config(self, sections: Sections) -> RunConfig:
        """Read the run's configuration.

        Raises:
            CheckpointError: there is none, or it is that of another task.
        """
        try:
            return load_config(self.config, sections)
        except RecipeError as error:
            raise CheckpointError(f"{self.path}: not the run expected: {error}") from error

    def lock(self) -> FileLock:
        """Create the folder and lock it for one training.

        Raises:
            CheckpointError: another process trains there, or nothing can be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return FileLock(self.path / "lock")
        except LockedError as error:
            raise CheckpointError(
                f"{self.path}: another training is writing this run; wait for its end, or name another folder with "
                "--output"
            ) from error
        except OSError as error:
            raise CheckpointError(f"{self.path}: cannot write the run there ({error.strerror})") from error

    def open_or_create(self, config: RunConfig) -> None:
        """Begin a run in its folder, which is locked, or check that it is the folder of this one.

        Raises:
            CheckpointError: it holds a run with another configuration, or cannot be written.
        """
        if self.checkpoint.exists() and self.config.exists():
            differing = _differences(read_yaml(self.config), _plain(config.to_dict()))
            if differing:
                raise CheckpointError(
                    f"{self.path} holds a run of another recipe, which differs in {', '.join(differing)}; "
                    "name another folder with --output, or start over with --restart"
                )
        try:
            save_config(config, self.config)
        except OSError as error:
            raise CheckpointError(f"{self.path}: cannot write the run there ({error.strerror})") from error

    def clear(self) -> None:
        """Remove the files of an earlier run, and nothing else.

        Raises:
            CheckpointError: another process trains there.
        """
        if not self.path.is_dir():
            return
        lock = self.lock()
        for path in (
            self.checkpoint,
            self.best,
            self.log,
            self.curves,
            self.predictions,
            self.vocabulary,
            self.config,
        ):
            path.unlink(missing_ok=True)
        lock.release()


def _plain(value: Any) -> Any:
    """Return tuples as lists, which is how YAML reads them back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    differing = []
    for key in old.keys() | new.keys():
        before, after, name = old.get(key), new.get(key), f"{prefix}{key}"
        if name in MUTABLE_FIELDS:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            differing += _differences(before, after, f"{name}.")
        elif before != after:
            differing.append(f"{name} ({before!r} there, {after!r} here)")
    return sorted(differing)
