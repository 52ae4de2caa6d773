"""The video captioning section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seetell.config import check_sizes
from seetell.errors import RecipeError
from seetell.tasks.captioning.config import CaptioningConfig
from seetell.training.config import RunConfig, check_cached


@dataclass(frozen=True)
class VideoCaptioningConfig(CaptioningConfig):
    """What video captioning adds to :class:`~seetell.tasks.captioning.config.CaptioningConfig`.

    Attributes:
        frames: of a shot that the captioner reads; photos are made into clips of as many.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": "describer", "validation": {"every": 2500, "photos": 3200}}

    ADAPTS = False

    architecture: str = "mean_pooling"
    frames: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "frames")
        if self.finetune.after >= 0:
            raise RecipeError("finetune.after: the encoder of frames is not trained; expected -1")
        if self.tagger:
            raise RecipeError("tagger: captioners of videos read no tags; leave it out")

    def check(self, config: RunConfig) -> None:
        """Check that frames are encoded once."""
        super().check(config)
        check_cached(config, "a captioner of videos")
