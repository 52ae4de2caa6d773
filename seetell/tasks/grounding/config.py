"""The grounding section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_sizes
from seetell.errors import RecipeError
from seetell.tasks.grounding.model import GrounderConfig
from seetell.tasks.retrieval.models.aligner import AlignerConfig
from seetell.training.config import DataConfig, EncoderConfig, RunConfig, Section


@dataclass(frozen=True)
class GroundingConfig(Section):
    """What a grounding run adds to :class:`~seetell.training.config.RunConfig`.

    It trains a grounder for the aligner whose run ``init_from`` names; ``data`` and ``encoder`` are those of that run.
    The best model has the most boxes and points right.

    Attributes:
        boxes: folder of Flickr30k Entities, phrases with boxes in the photos of the aligner's run.
        grounder: the model.
        phrases_per_photo: how many phrases of a photo a step trains on.
        aligner: sizes of the aligner; filled in from its run.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": "grounder", "init_from": "runs/aligner", "batch_size": 32}

    boxes: str = "flickr30k_entities"
    grounder: GrounderConfig = field(default_factory=GrounderConfig)
    phrases_per_photo: int = 12
    aligner: AlignerConfig | None = None

    def __post_init__(self) -> None:
        check_sizes(self, "phrases_per_photo")

    def check(self, config: RunConfig) -> None:
        """Check that the run names its aligner, and nothing that the aligner decides."""
        if not config.init_from:
            raise RecipeError("init_from: a grounder locates phrases for an aligner; name the folder of its run")
        if self.aligner is None:
            for name, default in (("data", DataConfig()), ("encoder", EncoderConfig())):
                if getattr(config, name) != default:
                    raise RecipeError(
                        f"{name}: a grounding run takes it from the run that init_from names; leave it out"
                    )
