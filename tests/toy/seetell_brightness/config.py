"""The brightness section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seetell.config import check_probabilities
from seetell.training.config import Section


@dataclass(frozen=True)
class BrightnessConfig(Section):
    """What a brightness run adds to :class:`~seetell.training.config.RunConfig`.

    Attributes:
        bias: whether the linear layer has one.
        dropout: probability of zeroing a feature in training.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "brightness",
        "optimiser": {"learning_rate": 0.1, "clip": 0.0},
        "validation": {"every": 20},
        "batch_size": 8,
        "steps": 60,
    }

    bias: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_probabilities(self, "dropout")
