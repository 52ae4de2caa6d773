"""The character modelling section of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seetell.config import check_fractions, check_not_negative, check_sizes
from seetell.errors import RecipeError
from seetell.nn.recurrent import Cell
from seetell.tasks.character_modelling.text import MOST
from seetell.training.config import Section


@dataclass(frozen=True)
class CharacterModellingConfig(Section):
    """What a character modelling run adds to :class:`~seetell.training.config.RunConfig`.

    ``data.path`` is a file of text in UTF-8. It is cut into as many rows as ``batch_size`` says, which are read side by
    side, ``sequence`` characters in a step; the best model has the fewest bits per character of the text's end, which
    is not trained on. The defaults are those of Karpathy's char-rnn.

    Attributes:
        characters: of the text, in the order of their numbers; found in it when absent.
        cell: ``lstm``, ``gru`` or ``rnn``.
        hidden: length of a hidden vector.
        layers: of cells.
        embedding: length of a character's vector; 0 for a vector with a single one (one-hot).
        dropout: on each layer's hidden vectors.
        forget_bias: initial bias of an LSTM's forget gates.
        sequence: characters through which gradients go back; the state is carried over to the next ones.
        validation_share: of the text, its end.
        most_characters: of a text; it takes two bytes for each, and six while it is read.
    """

    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "char-rnn",
        "data": {"path": "text.txt", "flip": False},
        "encoder": {"name": "none", "cache": ""},
        "optimiser": {"name": "rmsprop", "learning_rate": 2e-3, "rho": 0.95, "clip": 5.0},
        "validation": {"every": 500, "photos": -1},
        "batch_size": 50,
        "steps": 5000,
    }

    characters: str = ""
    cell: Cell = "lstm"
    hidden: int = 128
    layers: int = 2
    embedding: int = 0
    dropout: float = 0.0
    forget_bias: float = 1.0
    sequence: int = 50
    validation_share: float = 0.05
    most_characters: int = MOST

    def __post_init__(self) -> None:
        check_sizes(self, "hidden", "layers", "sequence", "most_characters")
        check_not_negative(self, "embedding", "forget_bias")
        check_fractions(self, "dropout", "validation_share")
        if len(set(self.characters)) < len(self.characters):
            raise RecipeError("characters: expected each of them once")

    def check_parts(self, parts: int, processes: int) -> None:
        """Check that one process has the state that is carried over."""
        if parts > 1:
            raise RecipeError(
                f"batch_parts: a state is carried over from step to step, which cannot be shared by {parts} parts; "
                "train with one process and batch_parts: 1"
            )
