"""The classification section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_fractions, check_not_negative, check_probabilities
from seetell.errors import RecipeError
from seetell.training.augmentation import UNCHANGED
from seetell.training.config import RunConfig, Section
from seetell.training.optimisers import OptimiserConfig


@dataclass(frozen=True)
class ClassificationConfig(Section):
    """What a classification run adds to :class:`~seetell.training.config.RunConfig`.

    A linear classifier is trained on the encoder's pooled vector, which takes minutes on a CPU; with
    ``train_encoder_after`` the encoder is trained as well. The best model has the lowest validation loss.

    Attributes:
        labels: the classes in their order; those of the data set, alphabetically, when absent.
        head: ``linear`` on the pooled vector; or ``published``, what the encoder's paper put behind its last map, where
            it is known, for encoders that are trained from the first step on.
        dropout: probability of zeroing an element of the pooled vector in training; read by ``linear``.
        auxiliary: weight of the losses of classifiers beside the trunk, which the papers of ``googlenet`` (0.3) and
            ``torchvision/inception_v3`` put there to pass gradients to early layers; 0 for none. Bundles lack them.
        label_smoothing: share of the target probability spread over all classes.
        train_encoder_after: the step from which the encoder is trained; -1 never.
        frozen_stages: stages of the encoder, from the first on, that are never trained.
        encoder_optimiser: of the encoder; ``null`` takes ``optimiser``, as networks that are trained as a whole do.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "classifier",
        "validation": {"every": 100, "photos": -1},
        "optimiser": {"learning_rate": 1e-3, "betas": [0.9, 0.999]},
        "batch_size": 32,
        "steps": 1000,
    }

    labels: tuple[str, ...] = ()
    head: Literal["linear", "published"] = "linear"
    dropout: float = 0.2
    auxiliary: float = 0.0
    label_smoothing: float = 0.0
    train_encoder_after: int = -1
    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig | None = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-5))

    def __post_init__(self) -> None:
        check_probabilities(self, "dropout")
        check_fractions(self, "label_smoothing")
        check_not_negative(self, "auxiliary")
        if len(set(self.labels)) < len(self.labels) or len(self.labels) == 1:
            raise RecipeError(f"labels: expected two or more different classes, got {', '.join(self.labels)}")

    def check(self, config: RunConfig) -> None:
        """Check that what needs pixels has them from the first step on."""
        if self.train_encoder_after == 0:
            return
        if self.head == "published":
            raise RecipeError(
                "classification.head: 'published' is trained together with the encoder; set "
                f"classification.train_encoder_after to 0 instead of {self.train_encoder_after}"
            )
        if self.auxiliary:
            raise RecipeError(
                "classification.auxiliary: classifiers beside the trunk are trained together with the encoder; set "
                f"classification.train_encoder_after to 0 instead of {self.train_encoder_after}"
            )
        if config.data.augmentation != UNCHANGED and config.encoder.cache:
            raise RecipeError(
                "data.augmentation: features of the frozen encoder are cached, and their photos cannot be changed; set "
                "classification.train_encoder_after to 0, or leave encoder.cache empty"
            )
