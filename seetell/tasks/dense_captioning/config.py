"""The dense captioning section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from seetell.config import check_positive
from seetell.language.decoding import Decoding
from seetell.tasks.captioning.config import CaptionerSection
from seetell.tasks.dense_captioning.model import DenseCapConfig
from seetell.training.config import RunConfig, check_cached


@dataclass(frozen=True)
class DenseCaptioningConfig(CaptionerSection):
    """What dense captioning adds to :class:`~seetell.tasks.captioning.config.CaptionerSection`. Its encoder is frozen.

    The best model has the highest mean average precision: dense where METEOR is installed, otherwise of the boxes.

    Attributes:
        densecap: the model but for its captioner.
        init_word_embeddings: initialise its word vectors with those of the captioner that ``init_from`` names.
        decoding: how phrases are searched, among which :func:`~.phrases.choose` chooses.
        temperature: of that choice.
        detector: bundle of an object detector, by its name or its folder, that phrases agree with at prediction; empty
            for none. Training does not need it.
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

    def check(self, config: RunConfig) -> None:
        """Check that the run trains on cached features, and the temperature."""
        check_cached(config, "a dense captioner")
        check_positive(self, "temperature")
