"""A grounder's training run as a frozen dataclass; its recipe file says ``kind: ground``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from seetell.config import check_limits, check_shares, check_sizes
from seetell.errors import RecipeError
from seetell.tasks.grounding.models.grounder import GrounderConfig
from seetell.training.optimisers import OptimiserConfig
from seetell.training.schedule import ScheduleConfig


@dataclass(frozen=True)
class LocalisationValidationConfig:
    """Locating the validation photos' phrases now and then; the best model has the most boxes and points right.

    Attributes:
        every: steps between validations.
        photos: how many validation photos to use; -1 all.
    """

    every: int = 500
    photos: int = 1000

    def __post_init__(self) -> None:
        check_sizes(self, "every", of="validation")
        check_limits(self, "photos", of="validation")


@dataclass(frozen=True)
class GroundingRecipe:
    """A whole training run of a grounder.

    Attributes:
        kind: ``ground``, which tells it from the other recipes.
        name: of the run.
        start_from: the folder of the run of the aligner that it locates phrases for. Photos, their splits and features,
            and whether they are mirrored, are that run's.
        boxes: the folder of Flickr30k Entities, phrases with boxes on those photos.
        training_data: what the bundle's card says of the boxes.
        grounder: what is trained.
        phrases_per_photo: how many phrases of a photo a step looks at.
        optimiser: the grounder's.
        schedule: the course of the learning rate.
        validation: locating phrases of the validation photos.
        batch_size: photos a step.
        steps: how many steps in all; -1 goes on until stopped.
        averaging: decay of the running average of the weights (EMA), such as 0.99, that validation looks at and that
            becomes the model; 0 keeps none.
        explosion_factor: stop when the loss exceeds this many times the first one.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of the log.
        seed: of all randomness.
        device: where torch computes, such as ``cpu`` or ``cuda``.
        threads: torch's threads on the CPU; 0 leaves torch's choice.
    """

    kind: Literal["ground"] = "ground"
    name: str = "grounder"
    start_from: str = "runs/aligner"
    boxes: str = "flickr30k_entities"
    training_data: str = "your own phrases and boxes"
    grounder: GrounderConfig = field(default_factory=GrounderConfig)
    phrases_per_photo: int = 12
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    validation: LocalisationValidationConfig = field(default_factory=LocalisationValidationConfig)
    batch_size: int = 32
    steps: int = -1
    averaging: float = 0.0
    explosion_factor: float = 20.0
    checkpoint_every: int = 500
    log_every: int = 25
    seed: int = 123
    device: str = "cpu"
    threads: int = 0

    def __post_init__(self) -> None:
        if not self.start_from:
            raise RecipeError("start_from: a grounder locates phrases for an aligner; name the folder of its run")
        check_sizes(self, "batch_size", "phrases_per_photo", "checkpoint_every", "log_every")
        check_limits(self, "steps")
        check_shares(self, "averaging")
        self.schedule.check_steps(self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for YAML or JSON."""
        return dataclasses.asdict(self)
