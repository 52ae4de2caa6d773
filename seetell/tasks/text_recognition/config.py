"""The text recognition section of a training run."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_not_negative, check_sizes
from seetell.errors import RecipeError
from seetell.tasks.text_recognition.models.attention_decoder import AttentionDecoderConfig
from seetell.tasks.text_recognition.models.crnn import CrnnConfig
from seetell.training.config import Section

CHARACTERS = string.printable[:94]
"""The digits, letters and signs of ASCII, without the blank."""


@dataclass(frozen=True)
class SyntheticConfig:
    """Words to train on that are rendered while training goes on.

    Attributes:
        words: file of a word per line; empty for the words that the models of this package know.
        fonts: folder of fonts; empty for those of this machine.
        photos: folder of photos to write on; empty for plain colours and gradients alone.
        difficulty: scales distortion, blur and noise; 0 for none.
    """

    words: str = ""
    fonts: str = ""
    photos: str = ""
    difficulty: float = 1.0

    def __post_init__(self) -> None:
        check_not_negative(self, "difficulty")


@dataclass(frozen=True)
class TextRecognitionConfig(Section):
    """What a text recognition run adds to :class:`~seetell.training.config.RunConfig`.

    Encoder and recogniser are trained together, from the first step on, with the same optimiser. The best model reads
    most words of the validation set exactly.

    Attributes:
        architecture: of the recogniser: ``crnn`` or ``attention_decoder``.
        characters: that it can read. Without capitals, it reads texts in lower case.
        longest: most characters of a word that is trained on.
        synthetic: the words to train on where ``data.path`` is empty.
        crnn: of the architecture of that name.
        attention_decoder: of the architecture of that name.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "text",
        "data": {"path": "", "flip": False},
        "encoder": {"name": "crnn_small", "weights": "none", "cache": "", "train_batch_norms": True},
        "optimiser": {"learning_rate": 1e-3, "betas": [0.9, 0.999], "clip": 5.0, "clip_kind": "norm"},
        "validation": {"every": 500, "photos": 1000},
        "batch_size": 64,
        "steps": 20000,
    }

    architecture: Literal["crnn", "attention_decoder"] = "crnn"
    characters: str = CHARACTERS
    longest: int = 20
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    crnn: CrnnConfig = field(default_factory=CrnnConfig)
    attention_decoder: AttentionDecoderConfig = field(default_factory=AttentionDecoderConfig)

    def __post_init__(self) -> None:
        check_sizes(self, "longest")
        if len(set(self.characters)) < max(2, len(self.characters)) or any(map(str.isspace, self.characters)):
            raise RecipeError(f"characters: expected two or more different ones, no blanks, got {self.characters!r}")
