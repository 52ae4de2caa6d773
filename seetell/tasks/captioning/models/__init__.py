"""Captioners, made by name from their own configuration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from seetell.errors import RecipeError, unknown
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.captioning.models.captioner import (
    IGNORE_INDEX,
    Captioner,
    DecoderStart,
    DecoderStep,
    SoftTargets,
    caption_tensors,
)
from seetell.tasks.captioning.models.mean_pooling import MeanPooling, MeanPoolingConfig
from seetell.tasks.captioning.models.multimodal_rnn import MultimodalRnn, MultimodalRnnConfig
from seetell.tasks.captioning.models.neuraltalk2 import NeuralTalk2, NeuralTalk2Config
from seetell.tasks.captioning.models.s2vt import S2vt, S2vtConfig
from seetell.tasks.captioning.models.show_attend_tell import ShowAttendTell, ShowAttendTellConfig
from seetell.tasks.captioning.models.tag_transformer import TagTransformer, TagTransformerConfig
from seetell.tasks.captioning.models.temporal_attention import TemporalAttention, TemporalAttentionConfig
from seetell.tasks.captioning.models.transformer import Transformer, TransformerConfig
from seetell.tasks.captioning.models.up_down import UpDown, UpDownConfig

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

__all__ = [
    "CONFIGS",
    "IGNORE_INDEX",
    "USES_GRID",
    "USES_TAGS",
    "Captioner",
    "DecoderStart",
    "DecoderStep",
    "SoftTargets",
    "build",
    "caption_tensors",
    "create_captioner",
]

_CAPTIONERS: dict[str, tuple[type[Any], type[Captioner]]] = {
    "mean_pooling": (MeanPoolingConfig, MeanPooling),
    "multimodal_rnn": (MultimodalRnnConfig, MultimodalRnn),
    "neuraltalk2": (NeuralTalk2Config, NeuralTalk2),
    "s2vt": (S2vtConfig, S2vt),
    "show_attend_tell": (ShowAttendTellConfig, ShowAttendTell),
    "tag_transformer": (TagTransformerConfig, TagTransformer),
    "temporal_attention": (TemporalAttentionConfig, TemporalAttention),
    "transformer": (TransformerConfig, Transformer),
    "up_down": (UpDownConfig, UpDown),
}
CONFIGS: dict[str, type[Any]] = {name: config for name, (config, _) in _CAPTIONERS.items()}
USES_GRID: dict[str, bool] = {name: captioner.uses_grid for name, (_, captioner) in _CAPTIONERS.items()}
USES_TAGS: dict[str, bool] = {name: captioner.uses_tags for name, (_, captioner) in _CAPTIONERS.items()}


def config_type(architecture: str) -> type[Any]:
    """Return the configuration class of a captioner's architecture.

    Raises:
        RecipeError: there is no such architecture.
    """
    if architecture not in CONFIGS:
        raise RecipeError(f"architecture: {unknown('architecture', architecture, CONFIGS)}")
    return CONFIGS[architecture]


def create_captioner(
    architecture: str, config: Any, *, feature_size: int, vocabulary_size: int, locations: int
) -> Captioner:
    """Make a captioner.

    Args:
        architecture: a key of ``CONFIGS``.
        config: an instance of that architecture's configuration class.
        feature_size: see :class:`Captioner`, as for the others.
        vocabulary_size: ``V``.
        locations: ``L``.

    Raises:
        RecipeError: the architecture is unknown.
    """
    config_type(architecture)
    captioner: type[Any] = _CAPTIONERS[architecture][1]
    sizes = {"feature_size": feature_size, "vocabulary_size": vocabulary_size}
    if captioner.needs_num_locations:
        sizes["locations"] = locations
    created: Captioner = captioner(config, **sizes)
    return created


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Captioner:
    """Create the captioner of a run, with random weights."""
    assert vocabulary is not None
    return create_captioner(
        config.section.architecture,
        config.section.captioner,
        feature_size=encoder.channels,
        vocabulary_size=len(vocabulary),
        locations=math.prod(encoder.grid_size),
    )
