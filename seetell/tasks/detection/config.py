"""The detection section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_parts, check_shares, check_sizes
from seetell.errors import RecipeError
from seetell.geometry.key_points import KeyPoints
from seetell.tasks.detection.models import config_type, network_type
from seetell.tasks.detection.selective_search import SelectiveSearchConfig
from seetell.training.config import RunConfig, Section, check_cached, check_whole
from seetell.training.optimisers import OptimiserConfig


@dataclass(frozen=True)
class DetectionConfig(Section):
    """What a detection run adds to :class:`~seetell.training.config.RunConfig`.

    The encoder is frozen, and its maps are cached; with ``train_encoder_after`` it is trained as well. The best model
    has the highest mean average precision at an overlap of one half.

    Attributes:
        model: the detector, such as ``faster_rcnn``, or one of torchvision, ``torchvision:fasterrcnn_resnet50_fpn``.
        options: its configuration; the fields are the detector's.
        classes: their names in order; those of the data set when absent.
        key_points: of each object, for ``keypoint_rcnn``; those of the data set when absent.
        strides: of the maps that are cached, in pixels of the encoder's input; detectors that read some of them share
            the cache.
        selective_search: how boxes are proposed to detectors that propose none themselves, such as ``fast_rcnn``.
        threshold: least score of the objects that are found, the default of the bundle.
        nms_iou: of two boxes of a class that overlap more, the one of higher score is kept.
        train_encoder_after: the step from which the encoder is trained; -1 never.
        frozen_stages: stages of the encoder, from the first on, that are never trained.
        encoder_optimiser: of the encoder.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "detector",
        "validation": {"every": 250, "photos": 200},
        "optimiser": {"name": "adamw", "learning_rate": 1e-3, "betas": [0.9, 0.999], "weight_decay": 0.01}
        | {"clip": 5.0, "clip_kind": "norm"},
        "batch_size": 8,
        "steps": 1000,
    }

    model: str = "faster_rcnn"
    options: Any = None
    classes: tuple[str, ...] = ()
    key_points: KeyPoints = field(default_factory=KeyPoints)
    strides: tuple[int, ...] = (8, 16, 32)
    selective_search: SelectiveSearchConfig = field(default_factory=SelectiveSearchConfig)
    threshold: float = 0.3
    nms_iou: float = 0.5
    train_encoder_after: int = -1
    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-5))

    def __post_init__(self) -> None:
        if self.options is None:
            object.__setattr__(self, "options", config_type(self.model)())
        check_shares(self, "threshold")
        check_parts(self, "nms_iou")
        check_sizes(self, *(() if self.strides else ("strides",)))
        if len(set(self.classes)) < len(self.classes):
            raise RecipeError(f"classes: expected different names, got {', '.join(self.classes)}")

    @classmethod
    def field_types(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type of ``options``, which depends on the detector."""
        return {"options": config_type(str(values.get("model", cls.model)))}

    def check(self, config: RunConfig) -> None:
        """Check that the run trains on what can be read."""
        if self.train_encoder_after >= 0 and network_type(self.model).reads_pixels:
            raise RecipeError(f"detection.train_encoder_after: {self.model} leaves the encoder as it is; set -1")
        if self.train_encoder_after < 0:
            check_cached(config, "a detector on a frozen encoder")
        else:
            check_whole(config, "a detector")
