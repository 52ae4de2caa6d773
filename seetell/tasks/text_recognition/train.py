"""Training text recognisers, the encoder with them, on words that are rendered or on pictures of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data.synthetic_text.words import RenderedWord
from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.metrics.text import text_scores
from seetell.nn.backbones import weights_hash
from seetell.tasks.text_recognition.config import TextRecognitionConfig
from seetell.tasks.text_recognition.data import WordSources, read_words_of
from seetell.tasks.text_recognition.line_images import by_width, line_picture, stacked
from seetell.tasks.text_recognition.models import TextRecogniser, build, columns_of
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, encoder_and_model
from seetell.training.task import Validation

VALIDATION_COLUMNS = 16384
"""Columns of pixels of a batch of validation."""

POOL = 16
"""Batches that are drawn at once, so that each has words of about one width."""

EASY = 0.05
"""Share of the words, the easiest, that a curriculum begins with."""


class Training(task.JointTraining):
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
        self.encoder, self.model = encoder_and_model(config, build, self.part)
        self.failures = {}
        self._train, self._train_count = dataset.train, dataset.train_count
        self._store = dataset.render and dataset.render(self.encoder.preprocessing, on_encoding)
        if self._store is not None:
            self._by_hardness = np.argsort(self._store.hardness, kind="stable")
        self._classes = {sign: number for number, sign in enumerate(self.section.characters, 1)}
        wanted = config.validation.photos
        if dataset.val_count is not None:
            wanted = dataset.val_count if wanted == -1 else min(wanted, dataset.val_count)
        elif wanted == -1:
            raise RecipeError("validation.photos: there is no end of rendered words; expected a number, got -1")
        words = [dataset.val(number) for number in range(wanted)]
        self._val_texts = [text for _, text in words]
        self._val_pictures = self._pictures(words)
        self.hashes = {"encoder_hash": weights_hash(self.encoder), "data_hash": data_hash([dataset.identity])}

    @classmethod
    def read(cls, config: RunConfig) -> WordSources:
        """Find the words to train on; see :mod:`seetell.tasks.text_recognition.data`."""
        return read_words_of(config)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, Tensor, Tensor]:
        """Render or open the words of a step."""
        size = self.config.batch_size
        if self._store is not None:
            return self._stored_batch(step, part)
        if self._train_count is None:
            numbers: Sequence[int] = range(step * size, (step + 1) * size)[part.of(size)]
        else:
            numbers = self.draw(step, np.ones(self._train_count, np.int64), 1).part(part).photos.tolist()
        words = [self._train(number) for number in numbers]
        return self._batch(self._pictures(words), [text for _, text in words])

    def _stored_batch(self, step: int, part: Part) -> tuple[Tensor, Tensor, Tensor]:
        """Choose words of the store, of about one width, and vary their brightness, place and noise."""
        size, store, curriculum = self.config.batch_size, self._store, self.section.synthetic.curriculum
        assert store is not None
        pool = step // POOL
        random = np.random.default_rng((self.config.seed, pool, POOL))
        share = EASY + (1 - EASY) * min(1.0, pool * POOL / curriculum) if curriculum else 1.0
        known = max(int(share * len(self._by_hardness)), min(size * POOL, len(self._by_hardness)))
        drawn = self._by_hardness[random.integers(known, size=size * POOL)]
        drawn = drawn[np.argsort(store.widths[drawn], kind="stable")].reshape(POOL, size)
        numbers = drawn[random.permutation(POOL)[step % POOL]][part.of(size)].tolist()
        varied = np.random.default_rng((self.config.seed, step, part.number))
        pictures = [vary(store.picture(number), varied) for number in numbers]
        return self._batch(pictures, [store.texts[number] for number in numbers])

    def _batch(self, pictures: Sequence[np.ndarray], texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        return torch.from_numpy(stacked(pictures, self.section.fit)), *encoded(texts, self._classes)

    def _pictures(self, words: Sequence[RenderedWord]) -> list[np.ndarray]:
        return [line_picture(word.image, self.encoder.preprocessing, self.section.fit) for word in words]

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the mean loss of the words."""
        pixels, targets, lengths = (part.to(self.device) for part in batch)
        losses = self.model.losses(self._columns(pixels), targets, lengths)
        return [Term(losses.mean(), len(losses))]

    def validate(self) -> Validation:
        """Read words that were not trained on."""
        read = [""] * len(self._val_texts)
        with torch.no_grad():
            for numbers in by_width(self._val_pictures, VALIDATION_COLUMNS):
                pixels = stacked([self._val_pictures[number] for number in numbers], self.section.fit)
                found = self.model.read(self._columns(torch.from_numpy(pixels).to(self.device)))
                for number, (text, _) in zip(numbers, found, strict=True):
                    read[number] = decoded(text, self.section.characters)
        scores = text_scores(zip(self._val_texts, read, strict=True))
        predictions = [{"text": text, "read": guess} for text, guess in zip(self._val_texts, read, strict=True)]
        values = {name: value for name, value in scores.to_dict().items() if name != "words"}
        return Validation(scores.word_accuracy + 1e-3 * scores.similarity, values, predictions)

    def _columns(self, pixels: Tensor) -> Tensor:
        """Encode ``(B, H, W)`` uint8."""
        preprocessing = self.encoder.preprocessing
        images = pixels[:, None].expand(-1, 3, -1, -1).float()
        images = (images - images.new_tensor(preprocessing.mean)[:, None, None]) / images.new_tensor(preprocessing.std)[
            :, None, None
        ]
        return columns_of(self.encoder(images), self.encoder.grid_size)


def vary(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Change the brightness and contrast of a picture ``(H, W)`` uint8, move it up or down, and add noise, at times."""
    gain, offset = random.uniform(0.6, 1.2), random.normal(0, 20)
    pixels = (picture.astype(np.float32) - 128) * gain + 128 + offset
    if random.random() < 0.2:
        pixels = 255 - pixels
    if random.random() < 0.3:
        rows = np.arange(len(picture)) + random.integers(-2, 3)
        pixels = pixels[np.clip(rows, 0, len(picture) - 1)]
    if random.random() < 0.2:
        pixels = pixels + random.normal(0, random.uniform(1, 8), size=pixels.shape).astype(np.float32)
    varied: np.ndarray = np.clip(pixels, 0, 255).astype(np.uint8)
    return varied


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
