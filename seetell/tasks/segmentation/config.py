"""The segmentation section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_probabilities
from seetell.errors import RecipeError
from seetell.training.augmentation import UNCHANGED
from seetell.training.config import RunConfig, Section
from seetell.training.optimisers import OptimiserConfig

MULTIPLE = 32
"""Sides of the input and of crops are multiples of it, the coarsest stride of most encoders."""

MOST_CLASSES = 255
"""A label map has a byte for each pixel, and 0 stands for none."""


@dataclass(frozen=True)
class SegmentationConfig(Section):
    """What a segmentation run adds to :class:`~seetell.training.config.RunConfig`.

    The encoder is trained as well. The best model has the highest mean IoU on the validation images.

    Attributes:
        labels: the classes in their order; those of the data set when absent.
        model: ``fcn32s``, ``fcn16s``, ``fcn8s``, ``unet`` or ``segnet``.
        channels: of the expanding path of ``unet``, finest map first.
        dropout: probability of zeroing a channel of the encoder's coarsest map in training.
        size: height and width of the network's input, multiples of 32, into which images are fitted, their aspect ratio
            kept; it takes the place of ``encoder.image_size``.
        crop: height and width of the part of an image that is trained on, multiples of 32.
        scale: by how much fitted images are enlarged before they are cropped, drawn evenly between the two.
        class_balance: how much rare classes count in the loss: 0, as much as others; 1, in inverse proportion to their
            share of the pixels of images that have them (Eigen & Fergus, ICCV 2015); in between, that to this power.
        frozen_stages: stages of the encoder, from the first on, that are not trained.
        encoder_optimiser: of the encoder; ``null`` takes ``optimiser``, as for encoders with random weights.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "segmenter",
        "encoder": {"cache": ""},
        "validation": {"every": 200, "photos": -1},
        "optimiser": {"learning_rate": 1e-3, "betas": [0.9, 0.999], "clip": 0.0},
        "batch_size": 8,
        "steps": 1000,
    }

    labels: tuple[str, ...] = ()
    model: Literal["fcn32s", "fcn16s", "fcn8s", "unet", "segnet"] = "unet"
    channels: tuple[int, ...] = (24, 48, 96, 128)
    dropout: float = 0.1
    size: tuple[int, int] = (352, 480)
    crop: tuple[int, int] = (224, 288)
    scale: tuple[float, float] = (0.75, 1.25)
    class_balance: float = 0.0
    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig | None = field(
        default_factory=lambda: OptimiserConfig(learning_rate=2e-4, betas=(0.9, 0.999), clip=0.0)
    )

    def __post_init__(self) -> None:
        check_probabilities(self, "dropout")
        if not 0 <= self.class_balance <= 1:
            raise RecipeError(f"class_balance: expected a number from 0 to 1, got {self.class_balance}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise RecipeError(f"scale: expected two positive factors, the least first, got {list(self.scale)}")
        for name, sides in (("size", self.size), ("crop", self.crop)):
            if min(sides) < MULTIPLE or any(side % MULTIPLE for side in sides):
                raise RecipeError(f"{name}: expected multiples of {MULTIPLE}, got {list(sides)}")
        if not self.channels or min(self.channels) < 1:
            raise RecipeError(f"channels: expected positive numbers, got {list(self.channels)}")
        if len(set(self.labels)) < len(self.labels) or len(self.labels) == 1:
            raise RecipeError(f"labels: expected two or more different classes, got {', '.join(self.labels)}")
        if len(self.labels) > MOST_CLASSES:
            raise RecipeError(f"labels: expected at most {MOST_CLASSES} classes, got {len(self.labels)}")

    def check(self, config: RunConfig) -> None:
        """Check that nothing is asked for that label maps could not follow."""
        if config.encoder.cache:
            raise RecipeError("encoder.cache: a segmenter is trained on images themselves; leave it empty")
        if config.data.augmentation != UNCHANGED or config.data.crop:
            raise RecipeError(
                "data.augmentation: label maps must change with their images; set segmentation.crop and "
                "segmentation.scale instead, and leave data.augmentation and data.crop out"
            )
