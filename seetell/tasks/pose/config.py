"""The pose section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError
from seetell.geometry.key_points import KeyPoints
from seetell.training.augmentation import UNCHANGED
from seetell.training.config import RunConfig, Section
from seetell.training.optimisers import OptimiserConfig


@dataclass(frozen=True)
class PoseConfig(Section):
    """What a pose run adds to :class:`~seetell.training.config.RunConfig`.

    The encoder is trained as well. The best model detects the greatest share of joints.

    Attributes:
        key_points: those that are learnt; those of the data set when absent.
        label: what the objects are called, the class of the data set that is learnt.
        width: channels of the cells that the head reads.
        hidden: width of its two layers.
        dropout: probability of zeroing an element behind each in training.
        margin: by how much a person's box is enlarged, in shares of its sides at each edge.
        shift: by how much boxes are moved in training at most, in shares of their sides.
        scale: by how much they are enlarged in training, drawn evenly between the two.
        frozen_stages: stages of the encoder, from the first on, that are not trained.
        encoder_optimiser: of the encoder.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "poser",
        "encoder": {"cache": ""},
        "validation": {"every": 200, "photos": -1},
        "optimiser": {"name": "adam", "learning_rate": 1e-3, "betas": [0.9, 0.999], "clip": 0.0},
        "batch_size": 16,
        "steps": 1000,
    }

    key_points: KeyPoints = field(default_factory=KeyPoints)
    label: str = "person"
    width: int = 64
    hidden: int = 512
    dropout: float = 0.1
    margin: float = 0.1
    shift: float = 0.05
    scale: tuple[float, float] = (0.9, 1.2)
    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig = field(
        default_factory=lambda: OptimiserConfig(learning_rate=2e-4, betas=(0.9, 0.999), clip=0.0)
    )

    def __post_init__(self) -> None:
        check_sizes(self, "width", "hidden")
        check_probabilities(self, "dropout")
        if min(self.margin, self.shift) < 0 or not 0 < self.scale[0] <= self.scale[1]:
            raise RecipeError(
                f"margin, shift and scale: expected shares from 0 and two positive factors, the least first, got "
                f"{self.margin}, {self.shift} and {list(self.scale)}"
            )

    def check(self, config: RunConfig) -> None:
        """Check that nothing is asked for that joints could not follow."""
        if config.encoder.cache:
            raise RecipeError("encoder.cache: a pose is learnt from images themselves; leave it empty")
        if config.data.augmentation != UNCHANGED or config.data.crop:
            raise RecipeError(
                "data.augmentation: joints must change with their images; set pose.shift and pose.scale instead, and "
                "leave data.augmentation and data.crop out"
            )
