"""An aligner's training run as a frozen dataclass; its recipe file says ``kind: align``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seetell.config import check_limits, check_shares, check_sizes
from seetell.errors import RecipeError
from seetell.tasks.retrieval.models.aligner import AlignerConfig
from seetell.training.config import (
    CardConfig,
    DataConfig,
    EncoderConfig,
    build_config,
)
from seetell.training.optimisers import OptimiserConfig
from seetell.training.schedule import ScheduleConfig


@dataclass(frozen=True)
class RankingConfig:
    """What tells right from wrong pairs of a batch.

    Attributes:
        loss: ``info_nce`` both ways, ``max_margin`` (eq. 9) or ``hardest_negative`` (VSE++).
        margin: of the last two; 1 in the paper.
    """

    loss: Literal["info_nce", "max_margin", "hardest_negative"] = "info_nce"
    margin: float = 1.0

    def __post_init__(self) -> None:
        if self.margin <= 0:
            raise RecipeError(f"ranking.margin: expected a positive number, got {self.margin}")


@dataclass(frozen=True)
class RetrievalValidationConfig:
    """Ranking the validation photos and their sentences now and then; the best model has the highest sum of recalls.

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
class AlignmentRecipe:
    """A whole training run of an aligner.

    Attributes:
        kind: ``align``, which tells it from the recipe of a captioner.
        name: of the run.
        data: photos and sentences.
        encoder: the image encoder, which is not trained.
        start_from: the folder of a captioner's run or bundle, whose encoder is taken where it was trained; on the
            command line also the name of a bundled model.
        start_words: take that captioner's word vectors too, to begin with.
        aligner: what is trained.
        ranking: what it is trained to.
        optimiser: the aligner's.
        schedule: the course of the learning rate.
        validation: looking at the validation photos.
        card: what the bundle's card says of rights.
        batch_size: photos a step, each of which is compared with the sentences of all.
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

    kind: Literal["align"] = "align"
    name: str = "aligner"
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    start_from: str = ""
    start_words: bool = True
    aligner: AlignerConfig = field(default_factory=AlignerConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    validation: RetrievalValidationConfig = field(default_factory=RetrievalValidationConfig)
    card: CardConfig = field(default_factory=CardConfig)
    batch_size: int = 128
    steps: int = -1
    averaging: float = 0.0
    explosion_factor: float = 20.0
    checkpoint_every: int = 500
    log_every: int = 25
    seed: int = 123
    device: str = "cpu"
    threads: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise RecipeError(f"batch_size: an aligner compares photos, expected at least 2, got {self.batch_size}")
        check_sizes(self, "checkpoint_every", "log_every")
        check_sizes(self.data, "captions_per_photo", "max_words", "min_count", of="data")
        check_limits(self, "steps")
        check_shares(self, "averaging")
        self.schedule.check_steps(self.steps)
        if not self.encoder.cache:
            raise RecipeError("encoder.cache: an aligner learns from cached features, so it must name a folder")
        if self.data.crop:
            raise RecipeError("data.crop: an aligner learns from cached features, which cannot be cropped")

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for YAML or JSON."""
        return dataclasses.asdict(self)


def alignment_recipe_from_dict(content: Mapping[str, Any]) -> AlignmentRecipe:
    """Build a recipe from plain types, checking every field's name and type."""
    built: AlignmentRecipe = build_config(AlignmentRecipe, content, "")
    return built
