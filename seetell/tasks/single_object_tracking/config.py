"""The single-object tracking section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_not_negative, check_shares, check_sizes
from seetell.errors import RecipeError
from seetell.tasks.single_object_tracking.models import config_type
from seetell.training.augmentation import UNCHANGED
from seetell.training.config import RunConfig, Section


@dataclass(frozen=True)
class PairsConfig:
    """Pairs of windows to train on, which are drawn once.

    Attributes:
        count: of the pairs to train on.
        shift: pixels of the window by which its middle is off the object at most, each way.
        stretch: by how much the object is larger or smaller than in the exemplar at most, as a logarithm.
        negatives: share of the pairs whose window shows another object.
        change: strength of changes to brightness, contrast and sharpness of either window; 0 for none.
        least_side: pixels of the shorter side of objects in photos.
        largest_share: of the photo that an object covers at most.
        frames: most frames between the two windows of a pair from a film.
    """

    count: int = 3000
    shift: float = 64.0
    stretch: float = 0.18
    negatives: float = 0.15
    change: float = 0.3
    least_side: float = 16.0
    largest_share: float = 0.35
    frames: int = 10

    def __post_init__(self) -> None:
        check_sizes(self, "count", "frames")
        check_not_negative(self, "shift", "stretch", "change", "least_side")
        check_shares(self, "negatives")


@dataclass(frozen=True)
class SingleObjectTrackingConfig(Section):
    """What a tracking run adds to :class:`~seetell.training.config.RunConfig`.

    The encoder stays as it is. The best model's boxes overlap most with the true ones of the validation pairs; without
    true boxes, it is the most consistent one.

    Attributes:
        model: ``siamfc``, ``siamrpn``, ``siamrpn_plus_plus``, ``siammask`` or ``udt``.
        options: its configuration; the fields are the network's.
        pairs: what it is trained on.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "tracker",
        "encoder": {"image_size": 257},
        "validation": {"every": 200, "photos": 300},
        "optimiser": {"name": "adamw", "learning_rate": 1e-3, "betas": [0.9, 0.999], "weight_decay": 1e-4}
        | {"clip": 5.0, "clip_kind": "norm"},
        "batch_size": 32,
        "steps": 800,
    }

    model: str = "siamfc"
    options: Any = None
    pairs: PairsConfig = field(default_factory=PairsConfig)

    def __post_init__(self) -> None:
        if self.options is None:
            object.__setattr__(self, "options", config_type(self.model)())

    @classmethod
    def field_types(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type of ``options``, which depends on the network."""
        return {"options": config_type(str(values.get("model", cls.model)))}

    def check(self, config: RunConfig) -> None:
        """Check that the run trains on what pairs are made of."""
        if config.data.augmentation != UNCHANGED or config.data.crop:
            raise RecipeError("data.augmentation: windows are changed by single_object_tracking.pairs; leave it out")
        if config.validation.photos < 1:
            raise RecipeError(
                f"validation.photos: pairs are endless; expected a number, got {config.validation.photos}"
            )
