"""The dense captioning section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_fractions
from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.tasks.captioning.config import captioner_type
from seetell.tasks.dense_captioning.models.densecap import DenseCapConfig
from seetell.training.config import RunConfig, Section


@dataclass(frozen=True)
class DenseCaptioningConfig(Section):
    """What a dense captioning run adds to :class:`~seetell.training.config.RunConfig`. Its encoder is frozen.

    The best model has the highest mean average precision: dense where METEOR is installed, otherwise of the boxes.

    Attributes:
        densecap: the model but for its captioner.
        architecture: of the captioner that describes a region.
        captioner: its configuration; the fields are the architecture's.
        init_word_embeddings: initialise its word vectors with those of the captioner that ``init_from`` names.
        label_smoothing: share of the target probability spread over all words.
        decoding: how validation regions are described, and the defaults of the bundle. A length penalty above 1 favours
            longer phrases.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "dense",
        "data": {"max_words": 10},
        "validation": {"photos": 200},
        "batch_size": 8,
    }

    densecap: DenseCapConfig = field(default_factory=DenseCapConfig)
    architecture: str = "neuraltalk2"
    captioner: Any = None
    init_word_embeddings: bool = True
    label_smoothing: float = 0.0
    decoding: Decoding = field(default_factory=lambda: Decoding(beam_size=3, length_penalty=1.5, max_words=8))

    def __post_init__(self) -> None:
        if self.captioner is None:
            object.__setattr__(self, "captioner", captioner_type(self.architecture)())
        check_fractions(self, "label_smoothing")

    @classmethod
    def field_types(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type of ``captioner``, which depends on the architecture."""
        return {"captioner": captioner_type(str(values.get("architecture", cls.architecture)))}

    def check(self, config: RunConfig) -> None:
        """Check that the run trains on cached features."""
        if not config.encoder.cache:
            raise RecipeError(
                "encoder.cache: a dense captioner is trained on cached features, so it must name a folder"
            )
        if config.data.crop:
            raise RecipeError("data.crop: a dense captioner is trained on cached features, which cannot be cropped")
