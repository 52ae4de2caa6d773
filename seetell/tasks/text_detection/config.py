"""The text detection section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_sizes
from seetell.data.synthetic_text.canvas import SIDE
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import PRINTABLE
from seetell.errors import RecipeError
from seetell.tasks.text_detection.models.db import DbConfig
from seetell.training.config import RunConfig, Section


@dataclass(frozen=True)
class PagesConfig(Materials):
    """Pictures with text that are rendered to train on.

    Attributes:
        count: pictures to render, once.
    """

    count: int = 2000

    def __post_init__(self) -> None:
        check_sizes(self, "count")


@dataclass(frozen=True)
class TextDetectionConfig(Section):
    """What a text detection run adds to :class:`~seetell.training.config.RunConfig`.

    Encoder and head are trained together. The best model has the highest F1 score on rendered pictures that it was not
    trained on: found lines whose IoU with a true one is at least one half.

    Attributes:
        characters: that are written.
        crop: side of the part of a picture that is trained on, a multiple of 32 and one.
        scale: by how much pictures are enlarged before they are cropped, drawn evenly between the two.
        pages: to train on.
        db: of the network.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "lines",
        "data": {"path": "", "flip": False},
        "encoder": {"name": "text_small", "weights": "none", "cache": "", "train_batch_norms": True},
        "optimiser": {"learning_rate": 2e-3, "betas": [0.9, 0.999], "clip": 5.0, "clip_kind": "norm"},
        "validation": {"every": 250, "photos": 100},
        "batch_size": 8,
        "steps": 3000,
    }

    characters: str = PRINTABLE + " "
    crop: int = 385
    scale: tuple[float, float] = (0.6, 1.7)
    pages: PagesConfig = field(default_factory=PagesConfig)
    db: DbConfig = field(default_factory=DbConfig)

    def __post_init__(self) -> None:
        if self.crop % 32 != 1 or self.crop < 33:
            raise RecipeError(f"crop: expected a multiple of 32 and one, such as 385, got {self.crop}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise RecipeError(f"scale: expected two positive factors, the least first, got {list(self.scale)}")
        if round(SIDE * self.scale[0]) < 32:
            raise RecipeError(f"scale: expected pictures of 32 pixels at least, got {self.scale[0]:g} times {SIDE}")

    def check(self, config: RunConfig) -> None:
        """Check that nothing is asked for that rendered pictures do not offer."""
        if config.data.path:
            raise RecipeError("data.path: a text detector is trained on rendered pictures; leave it empty")
        if config.validation.photos == -1:
            raise RecipeError("validation.photos: there is no end of rendered pictures; expected a number, got -1")
