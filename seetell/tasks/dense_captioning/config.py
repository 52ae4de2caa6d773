"""A DenseCap training run as a frozen dataclass; its recipe file says ``kind: dense``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seetell.config import check_limits, check_shares, check_sizes
from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.tasks.captioning.models import CONFIGS
from seetell.tasks.dense_captioning.models.densecap import DenseCapConfig
from seetell.training.config import CardConfig, EncoderConfig, build_config, checked_captioner
from seetell.training.optimisers import OptimiserConfig
from seetell.training.schedule import ScheduleConfig


@dataclass(frozen=True)
class RegionDataConfig:
    """Which photos and regions, and how phrases become words.

    Attributes:
        path: the data set of regions.
        captions: a data set of captions whose photos and splits count, where the regions are of its photos.
        format: the reader's name; detected when absent.
        photos: where the photos are, when the data set does not say.
        split_seed: decides validation and test photos where the data states no splits.
        min_count: words seen less often in training phrases become UNK.
        max_words: longer phrases are cut.
        flip: mirror half of the training photos, by mirroring the encoder's maps of them.
    """

    path: str = "data"
    captions: str | None = None
    format: str | None = None
    photos: str | None = None
    split_seed: int = 0
    min_count: int = 5
    max_words: int = 10
    flip: bool = True

    def __post_init__(self) -> None:
        check_sizes(self, "min_count", "max_words", of="data")


@dataclass(frozen=True)
class DenseValidationConfig:
    """Looking at the validation photos now and then; the best model has the highest dense mean average precision.

    Where METEOR is not installed, it has the highest one of the boxes alone.

    Attributes:
        every: steps between validations.
        photos: how many validation photos to use; -1 all.
        decoding: how they are described, and how the bundle made of the run describes. A length penalty above 1 favours
            phrases that say more.
    """

    every: int = 500
    photos: int = 200
    decoding: Decoding = field(default_factory=lambda: Decoding(beam_size=3, length_penalty=1.5, max_words=8))

    def __post_init__(self) -> None:
        check_sizes(self, "every", of="validation")
        check_limits(self, "photos", of="validation")


@dataclass(frozen=True)
class DenseRecipe:
    """A whole training run of a dense captioner.

    Attributes:
        kind: ``dense``, which tells it from other recipes.
        name: of the run.
        data: photos, regions and phrases.
        encoder: the image encoder, which is not trained.
        start_from: the folder of a captioner's run or bundle, whose encoder is taken where it was trained; on the
            command line also the name of a bundled model.
        start_words: take that captioner's word vectors too, to begin with.
        densecap: what is trained.
        architecture: the captioner that says what is in a region.
        captioner: its configuration; the fields are the architecture's.
        optimiser: of all that is trained.
        schedule: the course of the learning rate.
        validation: looking at the validation photos.
        card: what the bundle's card says of rights.
        batch_size: photos a step, each with all its regions.
        steps: how many steps in all; -1 goes on until stopped.
        averaging: decay of the running average of the weights (EMA), such as 0.99, that validation looks at and that
            becomes the model; 0 keeps none.
        label_smoothing: share of the target probability spread over all words.
        explosion_factor: stop when the loss exceeds this many times the first one.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of the log.
        seed: of all randomness.
        device: where torch computes, such as ``cpu`` or ``cuda``.
        threads: torch's threads on the CPU; 0 leaves torch's choice.
    """

    kind: Literal["dense"] = "dense"
    name: str = "dense"
    data: RegionDataConfig = field(default_factory=RegionDataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    start_from: str = ""
    start_words: bool = True
    densecap: DenseCapConfig = field(default_factory=DenseCapConfig)
    architecture: str = "neuraltalk2"
    captioner: Any = None
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    validation: DenseValidationConfig = field(default_factory=DenseValidationConfig)
    card: CardConfig = field(default_factory=CardConfig)
    batch_size: int = 8
    steps: int = -1
    averaging: float = 0.0
    label_smoothing: float = 0.0
    explosion_factor: float = 20.0
    checkpoint_every: int = 500
    log_every: int = 25
    seed: int = 123
    device: str = "cpu"
    threads: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "captioner", checked_captioner(self.architecture, self.captioner))
        check_sizes(self, "batch_size", "checkpoint_every", "log_every")
        check_limits(self, "steps")
        check_shares(self, "averaging", "label_smoothing")
        self.schedule.check_steps(self.steps)
        if not self.encoder.cache:
            raise RecipeError("encoder.cache: a dense captioner learns from cached features, so it must name a folder")

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for YAML or JSON."""
        return dataclasses.asdict(self)


def dense_recipe_from_dict(content: Mapping[str, Any]) -> DenseRecipe:
    """Build a recipe from plain types, checking every field's name and type."""
    content = dict(content)
    captioner = content.pop("captioner", None)
    architecture = content.get("architecture", "neuraltalk2")
    if captioner is not None and architecture in CONFIGS:
        content["captioner"] = build_config(CONFIGS[architecture], captioner, "captioner")
    built: DenseRecipe = build_config(DenseRecipe, content, "")
    return built
