"""The dense captioning section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_positive
from seetell.errors import RecipeError
from seetell.language.decoding import Decoding
from seetell.tasks.captioning.config import CaptionerSection
from seetell.tasks.dense_captioning.model import DenseCapConfig
from seetell.training.config import RunConfig, check_cached, check_whole
from seetell.training.optimisers import OptimiserConfig


@dataclass(frozen=True)
class DenseCaptioningConfig(CaptionerSection):
    """What dense captioning adds to :class:`~seetell.tasks.captioning.config.CaptionerSection`.

    The encoder is frozen, and its maps are cached; with ``train_encoder_after`` it is trained as well. Where
    ``init_from`` names the run of a dense captioner, the first weights are its. The best model has the highest mean
    average precision: dense where METEOR is installed, otherwise of the boxes.

    Attributes:
        densecap: the model but for its captioner.
        init_word_embeddings: initialise its word vectors with those of the captioner that ``init_from`` names.
        decoding: how phrases are searched, among which :func:`~.phrases.choose` chooses.
        temperature: of that choice.
        detector: bundle of an object detector, by its name or its folder, that phrases agree with at prediction; empty
            for none. Training does not need it.
        train_encoder_after: the step from which the encoder is trained; -1 never.
        frozen_stages: stages of the encoder, from the first on, that are never trained.
        encoder_optimiser: of the encoder.
        scale: least and greatest factor on the sides of training photos, of which a random view is taken with the
            boxes in it; see :mod:`seetell.training.views`. It needs an encoder that is trained from the first step on.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "dense",
        "data": {"max_words": 10},
        "validation": {"photos": 200},
        "batch_size": 8,
    }

    densecap: DenseCapConfig = field(default_factory=DenseCapConfig)
    init_word_embeddings: bool = True
    decoding: Decoding = field(default_factory=lambda: Decoding(beam_size=12, length_penalty=1.0, max_words=8))
    temperature: float = 1.5
    detector: str = ""
    train_encoder_after: int = -1
    frozen_stages: int = 0
    encoder_optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-5))
    scale: tuple[float, float] = (1.0, 1.0)

    def check(self, config: RunConfig) -> None:
        """Check that the run trains on what can be read, and the temperature."""
        if self.train_encoder_after < 0:
            check_cached(config, "a dense captioner on a frozen encoder")
        else:
            check_whole(config, "a dense captioner")
        check_positive(self, "temperature")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise RecipeError(f"scale: expected two factors above 0, the least first, got {list(self.scale)}")
        if self.views and self.train_encoder_after != 0:
            raise RecipeError(
                "scale: cached maps cannot be scaled; set train_encoder_after to 0, for an encoder that is trained"
            )

    @property
    def views(self) -> bool:
        """Whether views of training photos are taken."""
        return self.scale != (1.0, 1.0)
