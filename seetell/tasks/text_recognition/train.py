"""Training text recognisers, the encoder with them, on words that are rendered or on pictures of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data.synthetic_text.words import RenderedWord
from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.metrics.text import text_scores
from seetell.nn.backbones import weights_hash
from seetell.photos import Preprocessing
from seetell.tasks.text_recognition.config import TextRecognitionConfig
from seetell.tasks.text_recognition.data import WordSources, read_words_of
from seetell.tasks.text_recognition.models import TextRecogniser, build, columns_of
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of
from seetell.training.task import Optimised, Phase, Validation, seeded

VALIDATION_BATCH = 100


class Training(task.Training):
    """A text recogniser; see :class:`~seetell.training.task.Training`."""

    part = "recogniser"
    curves = ("word_accuracy", "similarity")
    loss_unit = "nats per word"
    vocabulary: Vocabulary | None = None
    model: TextRecogniser

    def __init__(
        self, config: RunConfig, dataset: WordSources, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section: TextRecognitionConfig = config.section
        pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, pretrained)
        self.encoder.requires_grad_(True)
        self.model = seeded(config, build, self.encoder, None).to(config.device)
        if pretrained is not None:
            self.model.load_state_dict(pretrained.part(self.part))
        self.failures = {}
        self._train, self._train_count = dataset.train, dataset.train_count
        self._classes = {sign: number for number, sign in enumerate(self.section.characters, 1)}
        wanted = config.validation.photos
        if dataset.val_count is not None:
            wanted = dataset.val_count if wanted == -1 else min(wanted, dataset.val_count)
        elif wanted == -1:
            raise RecipeError("validation.photos: there is no end of rendered words; expected a number, got -1")
        words = [dataset.val(number) for number in range(wanted)]
        self._val_texts = [text for _, text in words]
        self._val_pixels = pixels_of(words, self.encoder.preprocessing)
        self.hashes = {"encoder_hash": weights_hash(self.encoder), "data_hash": data_hash([dataset.identity])}

    @classmethod
    def read(cls, config: RunConfig) -> WordSources:
        """Find the words to train on; see :mod:`seetell.tasks.text_recognition.data`."""
        return read_words_of(config)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The recogniser and the encoder."""
        return {self.part: self.model, "encoder": self.encoder}

    def phases(self) -> list[Phase]:
        """Return one phase, of both."""
        optimised = {
            name: Optimised(self.config.optimiser, list(module.parameters())) for name, module in self.modules.items()
        }
        return [Phase(0, optimised, schedule_steps=self.config.steps)]

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, Tensor, Tensor]:
        """Render or open the words of a step."""
        size = self.config.batch_size
        if self._train_count is None:
            numbers: Sequence[int] = range(step * size, (step + 1) * size)[part.of(size)]
        else:
            numbers = self.draw(step, np.ones(self._train_count, np.int64), 1).part(part).photos.tolist()
        words = [self._train(number) for number in numbers]
        pixels = torch.from_numpy(pixels_of(words, self.encoder.preprocessing))
        return pixels, *encoded([text for _, text in words], self._classes)

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the mean loss of the words."""
        pixels, targets, lengths = (part.to(self.device) for part in batch)
        losses = self.model.losses(self._columns(pixels), targets, lengths)
        return [Term(losses.mean(), len(losses))]

    def validate(self) -> Validation:
        """Read words that were not trained on."""
        read: list[str] = []
        with torch.no_grad():
            for start in range(0, len(self._val_pixels), VALIDATION_BATCH):
                pixels = torch.from_numpy(self._val_pixels[start : start + VALIDATION_BATCH]).to(self.device)
                read += [decoded(text, self.section.characters) for text, _ in self.model.read(self._columns(pixels))]
        scores = text_scores(zip(self._val_texts, read, strict=True))
        predictions = [{"text": text, "read": guess} for text, guess in zip(self._val_texts, read, strict=True)]
        values = {name: value for name, value in scores.to_dict().items() if name != "words"}
        return Validation(scores.word_accuracy + 1e-3 * scores.similarity, values, predictions)

    def _columns(self, pixels: Tensor) -> Tensor:
        """Encode ``(B, H, W, 3)`` uint8."""
        preprocessing = self.encoder.preprocessing
        images = pixels.permute(0, 3, 1, 2).float()
        images = (images - images.new_tensor(preprocessing.mean)[:, None, None]) / images.new_tensor(preprocessing.std)[
            :, None, None
        ]
        return columns_of(self.encoder(images), self.encoder.grid_size)


def pixels_of(words: Sequence[RenderedWord], preprocessing: Preprocessing) -> np.ndarray:
    """Return pictures of words at the size of the encoder's input, ``(B, H, W, 3)`` uint8."""
    return np.stack([preprocessing.resize(word.image) for word in words])


def encoded(texts: Sequence[str], classes: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Return the classes of the characters of texts, ``(B, S)`` int64 padded with 0, and the lengths ``(B,)``."""
    lengths = torch.tensor([len(text) for text in texts])
    targets = torch.zeros(len(texts), int(lengths.max()), dtype=torch.int64)
    for row, text in enumerate(texts):
        targets[row, : len(text)] = torch.tensor([classes[sign] for sign in text])
    return targets, lengths


def decoded(text: Sequence[int], characters: str) -> str:
    """Return the text of classes of characters."""
    return "".join(characters[number - 1] for number in text)
