"""The retrieval section of a training run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_positive
from seetell.errors import RecipeError
from seetell.tasks.retrieval.models.aligner import AlignerConfig
from seetell.training.config import FindModel, RunConfig, Section, check_cached


@dataclass(frozen=True)
class RankingConfig:
    """The loss that separates matching from other pairs of a batch.

    Attributes:
        loss: ``info_nce`` both ways, ``max_margin`` (eq. 9) or ``hardest_negative`` (VSE++).
        margin: of the last two; 1 in the paper.
    """

    loss: Literal["info_nce", "max_margin", "hardest_negative"] = "info_nce"
    margin: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self, "margin")


@dataclass(frozen=True)
class RetrievalConfig(Section):
    """What a retrieval run adds to :class:`~seetell.training.config.RunConfig`. Its encoder is frozen.

    The best model has the highest sum of recalls.

    Attributes:
        aligner: the model.
        ranking: its loss.
        tagger: folder of the bundle that tags images, for an aligner that reads tags; on the command line also the name
            of a bundled model.
        init_word_embeddings: initialise its word vectors with those of the captioner that ``init_from`` names.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": "aligner", "batch_size": 128}

    aligner: AlignerConfig = field(default_factory=AlignerConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    tagger: str = ""
    init_word_embeddings: bool = True

    def check(self, config: RunConfig) -> None:
        """Check that the run trains on cached features of several photos at once."""
        if config.batch_size < 2:
            raise RecipeError(f"batch_size: an aligner compares photos, expected at least 2, got {config.batch_size}")
        check_cached(config, "an aligner")
        if self.aligner.reads_tags != bool(self.tagger):
            raise RecipeError(
                "retrieval.tagger: name the bundle that tags images if, and only if, the aligner reads tags"
            )

    def check_parts(self, parts: int, processes: int) -> None:
        """Check that each process computes one part: the loss compares all photos of a batch."""
        if parts > processes:
            raise RecipeError(
                f"batch_parts: an aligner's loss compares all photos of a batch, so leave it at 1, got {parts}"
            )

    def with_models(self, find: FindModel) -> RetrievalConfig:
        """Return the same with the name of the tagger replaced by its folder."""
        return dataclasses.replace(self, tagger=find("retrieval.tagger", self.tagger) if self.tagger else "")
