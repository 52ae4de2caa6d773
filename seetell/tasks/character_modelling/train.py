"""Training models of characters by truncated back-propagation through time, the state being carried over."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import DataError, RecipeError
from seetell.nn.backbones import weights_hash
from seetell.tasks.character_modelling.config import CharacterModellingConfig
from seetell.tasks.character_modelling.model import CharRnn, build
from seetell.tasks.character_modelling.text import ROWS, Text, read_text, rows_of
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import encoder_and_model
from seetell.training.task import Validation


class CarriedState(nn.Module):
    """The state ``(N, S)`` in which the rows of a text ended in the last step; part of a run's checkpoint."""

    state: Tensor

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.register_buffer("state", torch.zeros(rows, size))


class Training(task.Training):
    """A model of characters; see :class:`~seetell.training.task.Training`."""

    part = "language_model"
    curves = ("bits_per_character",)
    loss_unit = "nats per character"
    vocabulary = None
    model: CharRnn

    def __init__(self, config: RunConfig, dataset: Text, *, on_encoding: Progress = lambda done, total: None) -> None:
        super().__init__(config, dataset)
        section: CharacterModellingConfig = config.section
        self._sequence = section.sequence
        self._rows = torch.from_numpy(_training_rows(dataset, config).astype("int32"))
        self._steps_per_pass = (self._rows.shape[1] - 1) // self._sequence
        self._val = torch.from_numpy(rows_of(dataset.val, ROWS).astype("int64"))
        self.encoder, self.model = encoder_and_model(config, build, self.part)
        self._carried = CarriedState(config.batch_size, self.model.recurrent.state_size).to(config.device)
        self.failures = {}
        self.hashes = {"encoder_hash": weights_hash(self.encoder), "data_hash": dataset.hash}

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in the characters of the text."""
        if config.section.characters:
            return config
        section = dataclasses.replace(config.section, characters=cls.read(config).characters)
        return dataclasses.replace(config, section=section)

    @classmethod
    def read(cls, config: RunConfig) -> Text:
        """Read the text."""
        section: CharacterModellingConfig = config.section
        text = read_text(
            Path(config.data.path), validation_share=section.validation_share, most=section.most_characters
        )
        if section.characters and section.characters != text.characters:
            raise RecipeError(f"character_modelling.characters: {text.source} has others; leave the field out")
        return text

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The model, and the state that is carried over, with which a run that was stopped goes on."""
        return {self.part: self.model, "carried": self._carried}

    @property
    def compiled(self) -> Sequence[nn.Module]:
        """The model alone."""
        return [self.model]

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, Tensor, bool]:
        """Return the next characters of all rows, those behind them, and whether the rows begin with them."""
        place = step % self._steps_per_pass
        window = self._rows[:, place * self._sequence : (place + 1) * self._sequence + 1].long()
        return window[:, :-1], window[:, 1:], place == 0

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the cross-entropy, and carry the state over."""
        codes, targets, begins = batch
        state = None if begins else self._carried.state
        logits, state = self.model(codes.to(self.device), state)
        self._carried.state.copy_(state.detach())
        loss = F.cross_entropy(logits.flatten(0, 1), targets.to(self.device).flatten())
        return [Term(loss, targets.numel())]

    def validate(self) -> Validation:
        """Measure the bits per character of the text's end."""
        codes, targets, state, nats = self._val[:, :-1], self._val[:, 1:], None, 0.0
        with torch.no_grad():
            for start in range(0, codes.shape[1], self._sequence):
                here = slice(start, start + self._sequence)
                logits, state = self.model(codes[:, here].to(self.device), state)
                wanted = targets[:, here].to(self.device).flatten()
                nats += float(F.cross_entropy(logits.flatten(0, 1), wanted, reduction="sum"))
        bits = nats / targets.numel() / math.log(2)
        return Validation(-bits, {"bits_per_character": bits})


def _training_rows(text: Text, config: RunConfig) -> Any:
    """Return the rows that are trained on, ``(batch_size, T + 1)``.

    Raises:
        DataError: the text is too short for so many rows of one sequence.
    """
    rows, sequence = config.batch_size, config.section.sequence
    if len(text.train) < rows * sequence + 1:
        raise DataError(
            f"{text.source}: {len(text.train):,} characters to train on are too few for {rows} rows of {sequence}; "
            "name a longer text, or lower batch_size or character_modelling.sequence"
        )
    return rows_of(text.train, rows)
