"""The training loop on a frozen encoder, which may be stopped at any moment and goes on as if it had not been.

As in a captioner's run, everything a step draws at random follows from the seed and the step's number.
"""

from __future__ import annotations

import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from seetell.errors import CheckpointError
from seetell.training.batches import ahead, step_seed
from seetell.training.checkpoint import optimiser_arrays, read_checkpoint, restore_optimiser, write_checkpoint
from seetell.training.divergence import stop_on_explosion
from seetell.training.ema import RunningAverage
from seetell.training.optimisers import OptimiserConfig, create_optimiser, update
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import RunLog, draw_curves, read_log
from seetell.training.schedule import ScheduleConfig, learning_rate_factor


class RunRecipe(Protocol):
    """What the loop asks of a recipe; see :class:`~seetell.tasks.retrieval.config.AlignmentRecipe`."""

    @property
    def optimiser(self) -> OptimiserConfig: ...
    @property
    def schedule(self) -> ScheduleConfig: ...
    @property
    def steps(self) -> int: ...
    @property
    def averaging(self) -> float: ...
    @property
    def explosion_factor(self) -> float: ...
    @property
    def checkpoint_every(self) -> int: ...
    @property
    def log_every(self) -> int: ...
    @property
    def seed(self) -> int: ...


class FrozenEncoderRun(ABC):
    """Steps, log, validations, checkpoints and resumption of a run that trains one module.

    Args:
        recipe: what to do.
        folder: of the run, claimed by that recipe.
        module: what is trained, on its device.
        validate_every: steps between validations.
        hashes: identify what the run began with and must go on with, by name.
        on_step: told after each step how many are done, and the loss.
        on_validation: told what validation found.
    """

    part: str
    """The module's name in checkpoints."""
    curves: Sequence[str]
    """The values of a validation that are drawn."""
    loss_unit: str = "nats"
    """What the loss is measured in, for the drawing."""

    def __init__(
        self,
        recipe: RunRecipe,
        folder: RunFolder,
        module: nn.Module,
        *,
        validate_every: int,
        hashes: Mapping[str, str],
        on_step: Callable[[int, float], None],
        on_validation: Callable[[dict[str, Any]], None],
    ) -> None:
        self._recipe, self.folder, self._module = recipe, folder, module
        self._validate_every, self._hashes = validate_every, dict(hashes)
        self._on_step, self._on_validation = on_step, on_validation
        self.device = next(module.parameters()).device
        self.optimiser = create_optimiser(recipe.optimiser, module.parameters())
        self._average = RunningAverage({self.part: module}, decay=recipe.averaging) if recipe.averaging else None
        self.step, self.first_loss, self.best = 0, math.nan, -math.inf
        if folder.checkpoint.exists():
            self._resume()
        self.log = RunLog(folder.log, step=self.step)

    failures: Mapping[Path, str]
    """The photos left out because they do not open, and why."""

    @abstractmethod
    def _batch(self, step: int) -> tuple[Any, ...]:
        """Gather what a step learns from; runs in a thread, ahead of the step."""

    @abstractmethod
    def _losses(self, batch: tuple[Any, ...]) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a batch, and what of it shall stand in the log beside."""

    @abstractmethod
    def _evaluate(self) -> tuple[float, dict[str, float]]:
        """Look at the validation photos: return how good the module is, and what shall stand in the log."""

    def _best_parts(self) -> dict[str, dict[str, Tensor]]:
        """Return the arrays that are saved when a validation is the best so far."""
        return {self.part: self._module.state_dict()}

    def run(self) -> None:
        """Train until the last step.

        Raises:
            LossExplodedError: the loss is not a number, or too many times the first one.
        """
        recipe = self._recipe
        last = recipe.steps if recipe.steps != -1 else sys.maxsize
        started, begun = time.monotonic(), self.step
        steps = range(self.step, last)
        for step, batch in zip(steps, ahead(steps, self._batch), strict=True):
            factor = learning_rate_factor(recipe.schedule, step, steps=recipe.steps)
            loss, parts = self._train_step(step, batch, factor=factor)
            if math.isnan(self.first_loss):
                self.first_loss = loss
            stop_on_explosion(self.log, step, loss, first=self.first_loss, factor=recipe.explosion_factor)
            self.step = step + 1
            if step % recipe.log_every == 0 or self.step == last:
                pace = (time.monotonic() - started) / (self.step - begun)
                rate = recipe.optimiser.learning_rate * factor
                self.log.write(step, loss=loss, **parts, learning_rate=rate, seconds_per_step=round(pace, 4))
            self._on_step(self.step, loss)
            if self.step % self._validate_every == 0 or self.step == last:
                with self._average.applied() if self._average is not None else nullcontext():
                    self._validate(step)
            if self.step % recipe.checkpoint_every == 0 or self.step == last:
                self._save()

    def _train_step(self, step: int, batch: tuple[Any, ...], *, factor: float) -> tuple[float, dict[str, float]]:
        """Move the parameters once; return the loss and its parts."""
        self._module.train()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(step_seed(self._recipe.seed, step))
            loss, parts = self._losses(batch)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        update(self.optimiser, self._recipe.optimiser, factor=factor)
        if self._average is not None:
            self._average.update()
        return loss.item(), parts

    def _validate(self, step: int) -> None:
        """Look at the validation photos; keep the weights if they are the best so far."""
        self._module.eval()
        measure, values = self._evaluate()
        self.log.write(step, **values)
        if measure > self.best:
            self.best = measure
            facts = {"step": self.step, "scores": values, **self._hashes}
            write_checkpoint(self.folder.best, self._best_parts(), facts)
        draw_curves(read_log(self.folder.log), self.folder.curves, scores=self.curves, loss_unit=self.loss_unit)
        self._on_validation({"step": self.step, **values})

    def _save(self) -> None:
        parts = {self.part: self._module.state_dict(), "optimiser": optimiser_arrays(self.optimiser)}
        if self._average is not None:
            parts["average"] = self._average.values
        facts = {
            "step": self.step,
            "first_loss": self.first_loss,
            "best": None if self.best == -math.inf else self.best,
            "averaged": 0 if self._average is None else self._average.updates,
            **self._hashes,
        }
        write_checkpoint(self.folder.checkpoint, parts, facts)

    def _resume(self) -> None:
        parts, facts = read_checkpoint(self.folder.checkpoint)
        changed = [name.removesuffix("_hash") for name, value in self._hashes.items() if facts.get(name) != value]
        if changed:
            raise CheckpointError(
                f"{self.folder.path}: the {' and '.join(changed)} changed since this run began; "
                "name another folder with --output, or start over with --restart"
            )
        self.step, self.first_loss = facts["step"], facts["first_loss"]
        self.best = -math.inf if facts["best"] is None else facts["best"]
        self._module.load_state_dict(parts[self.part])
        restore_optimiser(self.optimiser, parts.get("optimiser", {}))
        if self._average is not None:
            self._average.restore(parts["average"], updates=facts["averaged"])
