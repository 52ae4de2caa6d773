"""The training loop of all tasks: steps, log, validations, averaging, checkpoints and resumption.

A task provides a :class:`~seetell.training.task.Training`: modules, batches, losses and validation. Every random choice
of a step follows from the seed, the step's number and the part of the batch, so that a run killed at any moment resumes
bit-exactly from its last checkpoint. Several processes share the parts of each batch and make the same updates; the
first of them validates and writes.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from seetell.atomic_write import atomic_file
from seetell.data.feature_cache import prefetch
from seetell.errors import CheckpointError, SeetellError
from seetell.training.batch_norms import share_batch_norms
from seetell.training.batches import Part, parts_of_process, step_seed
from seetell.training.checkpoint import optimiser_arrays, read_checkpoint, restore_optimiser, write_checkpoint
from seetell.training.compilation import compilation_explained, compile_modules
from seetell.training.config import RunConfig
from seetell.training.ema import ExponentialMovingAverage
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term, combine_terms
from seetell.training.optimisers import Plateau, clip_and_step, create_optimiser, learning_rate_factor
from seetell.training.processes import Processes
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import RunLog, draw_curves, read_log
from seetell.training.task import Phase, Training

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TrainingDivergedError(SeetellError):
    """The loss diverged; the best weights so far are kept."""


class TrainingLoop:
    """One training run.

    Args:
        kind: the task's.
        config: of the run, as :meth:`Training.complete` returned it.
        dataset: as :meth:`Training.read` returned it.
        folder: of the run, which is resumed if the folder contains a checkpoint.
        processes: that train together, each with a loop of its own.
        on_step: called after each step with the step count and the loss.
        on_validation: called with the step count and the values of a validation.
        on_encoding: called while photos are encoded before training, with the numbers of photos done and to do.

    Raises:
        CheckpointError: the folder contains a run with another configuration or other data.
        DataError: there is nothing to train on.
        RecipeError: the batch cannot be computed in as many parts as there are processes.
    """

    def __init__(
        self,
        kind: type[Training],
        config: RunConfig,
        dataset: Any,
        folder: Path,
        *,
        processes: Processes | None = None,
        on_step: Callable[[int, float], None] = lambda step, loss: None,
        on_validation: Callable[[dict[str, Any]], None] = lambda values: None,
        on_encoding: Progress = lambda done, total: None,
    ) -> None:
        self.config, self.folder = config, RunFolder(folder)
        self.processes = processes or Processes()
        self._parts = parts_of_process(config, self.processes)
        self._on_step, self._on_validation = on_step, on_validation
        if config.threads:
            torch.set_num_threads(config.threads)
        self._lock = self.folder.lock() if self.processes.is_first else None
        try:
            self._prepare(kind, dataset, on_encoding)
        except BaseException:
            self._release()
            raise

    def _prepare(self, kind: type[Training], dataset: Any, on_encoding: Progress) -> None:
        """Begin the run, or resume it."""
        config = self.config
        if self.processes.is_first:
            self.folder.open_or_create(config)
        device = self.processes.device(config.device)
        self.training = kind(dataclasses.replace(config, device=device), dataset, on_encoding=on_encoding)
        self.training.processes = self.processes
        self._scaler = torch.amp.GradScaler(self.training.device.type, enabled=config.precision == "fp16")
        self._phases = self.training.phases()
        self._phase: Phase | None = None
        self._optimisers: dict[str, Optimizer] = {}
        self._average: ExponentialMovingAverage | None = None
        self._plateau = Plateau(config.schedule.decay_patience)
        self.step, self._first_loss, self._best = 0, math.nan, -math.inf
        if self.folder.checkpoint.exists():
            self._resume()
        else:
            self.training.initialise()
            self._create_average()
        if self._parts[0].total > 1:
            share_batch_norms(self.training.modules, self._parts[0].total, self.processes)
        if config.compile:
            compile_modules(self.training)
        if self.processes.is_first:
            if self.training.vocabulary is not None:
                self.training.vocabulary.save(self.folder.vocabulary)
            self._log = RunLog(self.folder.log, step=self.step)

    def run(self) -> None:
        """Train until the last step, then leave the run's folder to others.

        Raises:
            RecipeError: the model cannot be compiled here.
            TrainingDivergedError: the loss is not finite, or too many times the first one.
        """
        try:
            self.processes.copy_from_first(self.training.modules.values())
            with compilation_explained():
                self._run()
        finally:
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _run(self) -> None:
        last = self.config.steps if self.config.steps != -1 else sys.maxsize
        starts = [phase.start for phase in self._phases]
        for phase, end in zip(self._phases, [*starts[1:], last], strict=True):
            steps = range(max(self.step, phase.start), min(end, last))
            if steps:
                self._run_phase(phase, steps, last)

    def _run_phase(self, phase: Phase, steps: range, last: int) -> None:
        config = self.config
        self._begin(phase)
        logged = next(iter(phase.optimisers.values())).config
        started = time.monotonic()
        for step, batch in zip(steps, prefetch(steps, self._read), strict=True):
            factor = learning_rate_factor(
                config.schedule,
                step - phase.schedule_start,
                steps=phase.schedule_steps,
                plateaus=int(self._plateau.reached),
            )
            loss, values = self._train_step(phase, step, batch, factor=factor)
            self._check_divergence(phase, step, loss)
            self.step = step + 1
            if step % config.log_every == 0 or self.step == last:
                pace = (time.monotonic() - started) / (self.step - steps.start)
                values |= {
                    "learning_rate": logged.learning_rate * factor,
                    "seconds_per_step": round(pace, 4),
                    "cpu_seconds": round(time.process_time(), 1),
                }
                self._write_log(step, loss=loss, **values)
            self._on_step(self.step, loss)
            if self.step % config.validation.every == 0 or self.step == last:
                if self.processes.is_first:
                    with self._average.applied() if self._average is not None else nullcontext():
                        self._validate(step)
                self.processes.wait_for_first()
                # validation may calibrate a model
                self.processes.copy_from_first([*self.training.modules.values(), self._plateau])
            if self.processes.is_first and (self.step % config.checkpoint_every == 0 or self.step == last):
                self._save()

    def _read(self, step: int) -> list[tuple[Any, ...]]:
        """Read the parts of a step's batch that this process computes."""
        return [self.training.batch(step, part) for part in self._parts]

    def _write_log(self, step: int, **values: Any) -> None:
        if self.processes.is_first:
            self._log.write(step, **values)

    def _begin(self, phase: Phase) -> None:
        """Switch to a phase; its optimisers replace those of the previous one, but for the unchanged."""
        if phase is self._phase:
            return
        self.training.begin(phase)
        previous = {} if self._phase is None else self._phase.optimisers
        kept = {
            name: self._optimisers[name]
            for name, optimised in phase.optimisers.items()
            if previous.get(name) is optimised
        }
        self._optimisers = {
            name: kept[name] if name in kept else create_optimiser(*optimised)
            for name, optimised in phase.optimisers.items()
        }
        self._phase = phase

    def _train_step(
        self, phase: Phase, step: int, batch: Sequence[tuple[Any, ...]], *, factor: float
    ) -> tuple[float, dict[str, float]]:
        """Update the weights once; return the loss of the whole batch and further values for the log."""
        device = self.training.device
        for name, module in self.training.modules.items():
            module.train(name in phase.optimisers)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            terms = [self._terms(step, part, content) for part, content in zip(self._parts, batch, strict=True)]
            loss = combine_terms(terms, self.processes)
            for optimiser in self._optimisers.values():
                optimiser.zero_grad()
            self._scaler.scale(loss.share).backward()  # type: ignore[no-untyped-call]
        for name, optimiser in self._optimisers.items():
            self.processes.sum_gradients(phase.optimisers[name].parameters)
            clip_and_step(optimiser, phase.optimisers[name].config, self._scaler, factor=factor)
        self._scaler.update()
        if self._average is not None:
            self._average.update()
        return loss.value, loss.logged

    def _terms(self, step: int, part: Part, content: tuple[Any, ...]) -> Sequence[Term]:
        """Compute the terms of the loss of a part of the batch."""
        torch.manual_seed(step_seed(self.config.seed, step, part.number))
        precision, device = self.config.precision, self.training.device
        with torch.autocast(device.type, PRECISIONS[precision], enabled=precision != "fp32"):
            return self.training.loss(step, content)

    def _check_divergence(self, phase: Phase, step: int, loss: float) -> None:
        if math.isfinite(loss) and phase.comparable and math.isnan(self._first_loss):
            self._first_loss = loss
        limit = self.config.divergence_factor * self._first_loss
        if not math.isfinite(loss) or (phase.comparable and loss > limit):
            self._write_log(step, loss=loss, stopped="divergence")
            raise TrainingDivergedError(
                f"step {step}: the loss is {loss:.4g}, more than {self.config.divergence_factor:g} times the first one "
                f"({self._first_loss:.4g}); lower optimiser.learning_rate or optimiser.clip and start with --restart"
            )

    def _validate(self, step: int) -> None:
        """Validate, and keep the weights and their predictions if the score is the highest so far."""
        training = self.training
        for module in (training.model, training.encoder):
            module.eval()
        score, values, predictions = training.validate()
        self._log.write(step, **values)
        self._plateau.observe(score)
        if score > self._best:
            self._best = score
            modules = training.modules
            if self.config.init_from or self.config.encoder.weights == "none":  # nowhere else are its encoder's weights
                modules.setdefault("encoder", training.encoder)
            metadata = {"step": self.step, "scores": values, "part": training.part, **training.hashes}
            write_checkpoint(self.folder.best, _states(modules), metadata)
            if predictions is not None:
                with atomic_file(self.folder.predictions) as file:
                    file.write(json.dumps(predictions, ensure_ascii=False, indent=0).encode())
        draw_curves(read_log(self.folder.log), self.folder.curves, scores=training.curves, loss_unit=training.loss_unit)
        self._on_validation({"step": self.step, **values})

    def _create_average(self) -> None:
        if self.config.ema_decay:
            self._average = ExponentialMovingAverage(self.training.modules, decay=self.config.ema_decay)

    def _save(self) -> None:
        parts = _states(self.training.modules)
        for name, optimiser in self._optimisers.items():
            parts[f"{name}_optimiser"] = optimiser_arrays(optimiser)
        if self._average is not None:
            parts["average"] = self._average.values
        if self.config.schedule.decay == "plateau":
            parts["plateau"] = self._plateau.state_dict()
        metadata = {
            "step": self.step,
            "first_loss": self._first_loss,
            "best": None if self._best == -math.inf else self._best,
            "averaged": 0 if self._average is None else self._average.updates,
            "scaler": self._scaler.state_dict(),
            **self.training.hashes,
        }
        write_checkpoint(self.folder.checkpoint, parts, metadata)

    def _resume(self) -> None:
        parts, metadata = read_checkpoint(self.folder.checkpoint)
        hashes = self.training.hashes
        changed = [name.removesuffix("_hash") for name, value in hashes.items() if metadata.get(name) != value]
        if changed:
            raise CheckpointError(
                f"{self.folder.path}: the {' and '.join(changed)} changed since this run began; "
                "name another folder with --output, or start over with --restart"
            )
        self.step, self._first_loss = metadata["step"], metadata["first_loss"]
        self._best = -math.inf if metadata["best"] is None else metadata["best"]
        self._scaler.load_state_dict(metadata["scaler"])
        for name, module in self.training.modules.items():
            module.load_state_dict(parts[name])
        self._begin([phase for phase in self._phases if phase.start < self.step][-1])
        for name, optimiser in self._optimisers.items():
            restore_optimiser(optimiser, parts.get(f"{name}_optimiser", {}))  # plain sgd has no state
        self._create_average()
        if self._average is not None:
            self._average.restore(parts["average"], updates=metadata["averaged"])
        if self.config.schedule.decay == "plateau":
            self._plateau.load_state_dict(parts["plateau"])


def _states(modules: Mapping[str, nn.Module]) -> dict[str, dict[str, Tensor]]:
    return {name: module.state_dict() for name, module in modules.items()}
