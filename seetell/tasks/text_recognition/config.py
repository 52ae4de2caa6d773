"""The text recognition section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seetell.config import check_not_negative, check_sizes
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import PRINTABLE
from seetell.errors import RecipeError
from seetell.tasks.text_recognition.models.attention_decoder import AttentionDecoderConfig
from seetell.tasks.text_recognition.models.crnn import CrnnConfig
from seetell.training.config import Section


@dataclass(frozen=True)
class SyntheticConfig(Materials):
    """Words to train on that are rendered while training goes on.

    Attributes:
        difficulty: scales distortion, blur and noise; 0 for none.
        store: folder in which words are rendered once, in difficulties from 0 to ``difficulty``, and trained on many
            times; those that it has are not rendered again. Empty to render new ones in each step.
        count: words to render into the store.
        curriculum: steps in which harder words and longer ones come in, little by little. Needs a store.
    """

    difficulty: float = 1.0
    store: str = ""
    count: int = 100_000
    curriculum: int = 0

    def __post_init__(self) -> None:
        check_not_negative(self, "difficulty", "curriculum")
        check_sizes(self, "count")
        if self.curriculum and not self.store:
            raise RecipeError(
                "curriculum: expected synthetic.store, a folder; without one, there is no order to learn in"
            )


@dataclass(frozen=True)
class TextRecognitionConfig(Section):
    """What a text recognition run adds to :class:`~seetell.training.config.RunConfig`.

    Encoder and recogniser are trained together, from the first step on, with the same optimiser. The best model reads
    most words of the validation set exactly.

    Attributes:
        architecture: of the recogniser: ``crnn`` or ``attention_decoder``.
        characters: that it can read. Without capitals, it reads texts in lower case; with a blank, lines of words.
        longest: most characters of a text that is trained on.
        fit: ``line`` scales pictures to the height of the encoder's input, and squashes only those that get wider than
            it; ``squash`` scales all to its size.
        detector: folder of a run of the task text_detection, whose network goes into the bundle and finds the lines to
            read; without one, a bundle reads pictures that show one word or line each.
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
    characters: str = PRINTABLE
    longest: int = 20
    fit: Literal["line", "squash"] = "line"
    detector: str = ""
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    crnn: CrnnConfig = field(default_factory=CrnnConfig)
    attention_decoder: AttentionDecoderConfig = field(default_factory=AttentionDecoderConfig)

    def __post_init__(self) -> None:
        check_sizes(self, "longest")
        if len(set(self.characters)) < max(2, len(self.characters)) or any(
            sign.isspace() and sign != " " for sign in self.characters
        ):
            raise RecipeError(f"characters: expected two or more different ones, no tabs, got {self.characters!r}")
