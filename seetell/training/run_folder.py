"""The folder of one training run: what lies in it, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.errors import CheckpointError
from seetell.training.config import AnyRecipe, save_recipe
from seetell.training.recipe_kinds import load_any_recipe

FREE_TO_CHANGE = ("name", "steps", "device", "threads", "log_every", "checkpoint_every", "card", "training_data")


@dataclass(frozen=True)
class RunFolder:
    """Names the files of a run.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        """What the run does, every field included."""
        return self.path / "recipe.yaml"

    @property
    def vocabulary(self) -> Path:
        """The words of its captions."""
        return self.path / "vocabulary.json"

    @property
    def log(self) -> Path:
        """Losses and scores, a JSON object a line."""
        return self.path / "log.jsonl"

    @property
    def curves(self) -> Path:
        """The log as a picture."""
        return self.path / "curves.png"

    @property
    def checkpoint(self) -> Path:
        """Everything needed to go on."""
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The weights that validated best."""
        return self.path / "best.safetensors"

    @property
    def captions(self) -> Path:
        """What the best weights said of the validation photos, in COCO's results format."""
        return self.path / "validation.json"

    def claim(self, recipe: AnyRecipe) -> None:
        """Make the folder a run of this recipe, or make sure that it is one.

        Raises:
            CheckpointError: it holds a run of another recipe, or cannot be written.
        """
        if self.checkpoint.exists() and self.recipe.exists():
            differing = _differences(load_any_recipe(self.recipe).to_dict(), recipe.to_dict())
            if differing:
                raise CheckpointError(
                    f"{self.path} holds a run of another recipe, which differs in {', '.join(differing)}; "
                    "name another folder with --output, or start over with --restart"
                )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            save_recipe(recipe, self.recipe)
        except OSError as error:
            raise CheckpointError(f"{self.path}: cannot write the run: {error}") from error

    def clear(self) -> None:
        """Remove the files of an earlier run, and nothing else."""
        for path in (self.checkpoint, self.best, self.log, self.curves, self.captions, self.vocabulary, self.recipe):
            path.unlink(missing_ok=True)


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    differing = []
    for key in old.keys() | new.keys():
        before, after, name = old.get(key), new.get(key), f"{prefix}{key}"
        if name in FREE_TO_CHANGE:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            differing += _differences(before, after, f"{name}.")
        elif before != after:
            differing.append(f"{name} ({before!r} there, {after!r} here)")
    return sorted(differing)
