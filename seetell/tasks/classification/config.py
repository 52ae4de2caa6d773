"""The classification section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_fractions, check_not_negative, check_probabilities
from seetell.errors import RecipeError
from seetell.tasks.classification.data import LabelledDataset, read_class_folders
from seetell.tasks.classification.objects import read_largest_objects
from seetell.training.augmentation import UNCHANGED
from seetell.training.config import DataConfig, RunConfig, Section
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
        localise: train a second head for the box of the object whose class the image gets. The data set is one of
            boxes, such as YOLO's: of each photo the largest object is learnt.
        box_loss: of the box's centre, width and height, each divided by its deviation: ``smooth_l1`` or ``l2``.
        box_weight: of that loss beside the cross-entropy.
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

    ADAPTS = True

    labels: tuple[str, ...] = ()
    head: Literal["linear", "published"] = "linear"
    dropout: float = 0.2
    auxiliary: float = 0.0
    localise: bool = False
    box_loss: Literal["smooth_l1", "l2"] = "smooth_l1"
    box_weight: float = 1.0
    label_smoothing: float = 0.0
    train_encoder_after: int = -1
    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig | None = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-5))

    def __post_init__(self) -> None:
        check_probabilities(self, "dropout")
        check_fractions(self, "label_smoothing")
        check_not_negative(self, "auxiliary", "box_weight")
        if len(set(self.labels)) < len(self.labels) or len(self.labels) == 1:
            raise RecipeError(f"labels: expected two or more different classes, got {', '.join(self.labels)}")

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder is trained at some time."""
        return self.train_encoder_after >= 0

    def read(self, data: DataConfig) -> LabelledDataset:
        """Read images with a label each, and with a box if boxes are learnt.

        Raises:
            DataError: there is no such data set.
        """
        if not self.localise:
            return read_class_folders(data.path, format=data.format, split_seed=data.split_seed)
        return read_largest_objects(data.path, labels=self.labels, captions=data.captions, **data.reading)

    def check(self, config: RunConfig) -> None:
        """Check that what needs pixels has them from the first step on, and that boxes fit what is seen."""
        if self.localise and (config.data.crop or config.data.augmentation != UNCHANGED):
            changed = "crop" if config.data.crop else "augmentation"
            raise RecipeError(
                f"data.{changed}: the boxes of photos would not fit changed ones; only data.flip moves both"
            )
        if config.adaptation.method != "none" and (self.auxiliary or config.data.augmentation.mixup):
            changed = "classification.auxiliary" if self.auxiliary else "data.augmentation.mixup"
            raise RecipeError(f"{changed}: cannot be together with an adaptation.method; set it to 0")
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
