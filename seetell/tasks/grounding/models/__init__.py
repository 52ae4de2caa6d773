"""Networks that ground phrases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.grounding.models.grounder import Grounder

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

__all__ = ["Grounder", "build"]


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Grounder:
    """Create the grounder of a run, with random weights, for an aligner of the sizes that the run has recorded."""
    aligner = config.section.aligner
    return Grounder(
        config.section.grounder,
        components=aligner.components,
        cells=math.prod(encoder.grid_size),
        words=2 * aligner.width,
    )
