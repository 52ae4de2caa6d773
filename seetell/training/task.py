"""What a task provides to the training loop: modules, phases with their optimisers, batches, losses and validation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.training.batches import WHOLE, BatchIndices, Part, sample_batch_indices
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.optimisers import OptimiserConfig
from seetell.training.processes import Processes


class Optimised(NamedTuple):
    """What an optimiser trains.

    Attributes:
        config: of the optimiser.
        parameters: of one module; those that require a gradient are trained.
    """

    config: OptimiserConfig
    parameters: Sequence[nn.Parameter]


@dataclass(frozen=True)
class Phase:
    """Steps that are trained in the same way.

    Attributes:
        start: the first step.
        optimisers: by the name of the module that is trained; the first one's learning rate is logged. An entry that is
            also the previous phase's keeps its optimiser's state.
        schedule_start: the step at which the schedule starts.
        schedule_steps: the length of the schedule; -1 for no end.
        comparable: whether losses are of the same kind as the first one, by which divergence is recognised.
    """

    start: int
    optimisers: Mapping[str, Optimised]
    schedule_start: int = 0
    schedule_steps: int = -1
    comparable: bool = True


class Validation(NamedTuple):
    """The outcome of a validation.

    Attributes:
        score: the weights with the highest are kept.
        values: for the log.
        predictions: for the run's ``validation.json``; ``None`` writes no file.
    """

    score: float
    values: dict[str, float]
    predictions: list[dict[str, Any]] | None = None


class Training(ABC):
    """What a task provides to the training loop.

    Args:
        config: of the run, completed.
        dataset: see :meth:`read`.
        on_encoding: called while photos are encoded before training.

    Attributes:
        part: the model's name in checkpoints and bundles.
        curves: the validation values to draw.
        loss_unit: unit of the loss in that drawing.
        encoder: on the device, in evaluation mode.
        vocabulary: the model's words; ``None`` where it has none.
        model: on the device, with random weights.
        hashes: identify what the run began with and must be resumed with, by name; ``encoder_hash`` is among them, and
            ``vocabulary_hash`` where there is a vocabulary.
        failures: the photos that could not be opened, with the reasons.
        processes: that train together; for losses that compare the photos of a whole batch.
    """

    part: ClassVar[str]
    curves: ClassVar[Sequence[str]]
    loss_unit: ClassVar[str] = "nats"

    encoder: Encoder
    vocabulary: Vocabulary | None
    model: nn.Module
    hashes: Mapping[str, str | None]
    failures: Mapping[Path, str]
    processes = Processes()

    def __init__(self, config: RunConfig, dataset: Any, *, on_encoding: Progress = lambda done, total: None) -> None:
        self.config = config

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in what a run takes from the one that it is initialised from; called before all else."""
        return config

    @classmethod
    @abstractmethod
    def read(cls, config: RunConfig) -> Any:
        """Read the data set, which has ``remarks`` for the user."""

    @property
    def device(self) -> torch.device:
        """Where torch computes."""
        return next(self.model.parameters()).device

    def placed(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return tensors on the device."""
        return [each.to(self.device) for each in tensors]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The modules that are trained at some time of the run, by their names in checkpoints."""
        return {self.part: self.model}

    @property
    def compiled(self) -> Sequence[nn.Module]:
        """The modules that ``compile: true`` compiles, which :meth:`loss` calls; by default all that are trained."""
        return list(self.modules.values())

    def draw(self, step: int, counts: np.ndarray, captions_per_photo: int) -> BatchIndices:
        """Choose a step's photos, captions and views; see :func:`~seetell.training.batches.sample_batch_indices`."""
        config = self.config
        return sample_batch_indices(
            step,
            seed=config.seed,
            caption_counts=counts,
            batch_size=config.batch_size,
            captions_per_photo=captions_per_photo,
            flip=config.data.flip,
        )

    def initialise(self) -> None:  # noqa: B027 — few tasks need neither
        """Give the model the weights of step 0; not called when a run is resumed."""

    def phases(self) -> list[Phase]:
        """Return the phases of the run in their order, the first one from step 0."""
        optimised = Optimised(self.config.optimiser, list(self.model.parameters()))
        return [Phase(0, {self.part: optimised}, schedule_steps=self.config.steps)]

    def model_then_encoder(self, *, after: int, frozen_stages: int, optimiser: OptimiserConfig) -> list[Phase]:
        """Return one phase or two, for :meth:`phases`: the model alone, then with the encoder.

        Args:
            after: the step from which on the encoder is trained; 0 for both from the beginning, -1 for never.
            frozen_stages: of the encoder, from the first on, that are not trained.
            optimiser: of the encoder.
        """
        (alone,) = Training.phases(self)
        if after < 0:
            return [alone]
        encoder = Optimised(optimiser, self.encoder.trainable(frozen_stages=frozen_stages))
        both = Phase(after, {**alone.optimisers, "encoder": encoder}, schedule_steps=self.config.steps)
        return [alone, both] if after > 0 else [both]

    def unfreeze_encoder(self, phase: Phase) -> bool:
        """Let gradients reach what a phase trains of the encoder, and nothing else of it; return whether it does."""
        self.encoder.requires_grad_(False)
        if "encoder" not in phase.optimisers:
            return False
        for parameter in phase.optimisers["encoder"].parameters:
            parameter.requires_grad_(True)
        return True

    def begin(self, phase: Phase) -> None:  # noqa: B027
        """Prepare for the steps of a phase, those before it having been done by this process or another."""

    @abstractmethod
    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Read what a step trains on, or one part of it; runs in a thread, ahead of the step."""

    @abstractmethod
    def loss(self, step: int, batch: tuple[Any, ...]) -> Sequence[Term]:
        """Return the terms of the loss of what :meth:`batch` read; modules of the phase are in training mode.

        Those of one step are the same for every part, and so is their order. A module's buffers do not change.
        """

    @abstractmethod
    def validate(self) -> Validation:
        """Measure the model on the validation photos; all modules are in evaluation mode."""


class PhasedTraining(Training):
    """Training of a model, and of its encoder as well from the step on that the run's section says.

    The section has ``train_encoder_after``, ``frozen_stages`` and ``encoder_optimiser``.
    """

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The model, and the encoder if it is trained at some time."""
        alone = super().modules
        return alone | {"encoder": self.encoder} if self.config.section.train_encoder_after >= 0 else alone

    def phases(self) -> list[Phase]:
        """Return one phase or two: the model alone, then with the encoder."""
        section = self.config.section
        return self.model_then_encoder(
            after=section.train_encoder_after,
            frozen_stages=section.frozen_stages,
            optimiser=section.encoder_optimiser,
        )


class JointTraining(Training):
    """Training of a model and its encoder together, from the first step on.

    Attributes:
        frozen_stages: of the encoder, from the first on, that are not trained.
        encoder_optimiser: of the encoder; the run's own where it is ``None``.
    """

    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig | None = None

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The model and the encoder."""
        return {self.part: self.model, "encoder": self.encoder}

    def phases(self) -> list[Phase]:
        """Return one phase, in which both are trained."""
        optimiser = self.encoder_optimiser or self.config.optimiser
        return self.model_then_encoder(after=0, frozen_stages=self.frozen_stages, optimiser=optimiser)

    def begin(self, phase: Phase) -> None:
        """Unfreeze the encoder behind its frozen stages."""
        self.unfreeze_encoder(phase)


def seeded(config: RunConfig, build: Callable[..., nn.Module], *arguments: Any) -> Any:
    """Build a module whose random weights follow from the run's seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return build(config, *arguments)
