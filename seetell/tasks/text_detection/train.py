"""Training text detectors, encoder and head together, on parts of rendered pictures whose lines are known."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seetell.data.synthetic_text.pages import SyntheticPages
from seetell.nn.backbones import weights_hash
from seetell.tasks.text_detection.boxes import find_lines
from seetell.tasks.text_detection.config import TextDetectionConfig
from seetell.tasks.text_detection.line_finder import LEAST_SCORE, THRESHOLD, padded
from seetell.tasks.text_detection.models.db import STRIDE, Db, TextMaps, build
from seetell.tasks.text_detection.scoring import line_scores
from seetell.tasks.text_detection.targets import target_maps
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, encoder_and_model
from seetell.training.task import Validation

TRAINING, HELD_OUT = 1, 2
"""Streams of random numbers."""

LEAST_HEIGHT = 6
"""Pixels of the lowest line that is to be found; lower ones are left out of the cores."""

QUALITY = (60, 96)
"""Of the JPEG files as which rendered pictures are kept."""


class PageSources(NamedTuple):
    """What a run trains on and validates with.

    Attributes:
        train: pictures to train on.
        val: pictures in words that are not trained on.
        remarks: for the user.
    """

    train: SyntheticPages
    val: SyntheticPages
    remarks: tuple[str, ...] = ()


def rendered_pages(section: TextDetectionConfig, *, held_out: bool) -> SyntheticPages:
    """Return the pictures that a run is trained on, or those in words that it is not trained on.

    Raises:
        DataError: there are no such words, fonts or photos.
    """
    seed = HELD_OUT if held_out else TRAINING
    return SyntheticPages.create(section.pages, section.characters, seed=seed, held_out=held_out)


class Training(task.JointTraining):
    """A text detector; see :class:`~seetell.training.task.Training`."""

    part = "detector"
    curves = ("f1", "recall")
    loss_unit = "loss"
    vocabulary = None
    model: Db

    def __init__(
        self, config: RunConfig, dataset: PageSources, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section: TextDetectionConfig = config.section
        self.encoder, self.model = encoder_and_model(config, build, self.part, memory_format=torch.channels_last)
        self.failures = {}
        self._pages = dataset
        self._rendered: dict[int, tuple[bytes, np.ndarray]] = {}
        identity = [self.section.pages.words, self.section.pages.count, [font.name for font in dataset.train.fonts]]
        self.hashes = {"encoder_hash": weights_hash(self.encoder), "data_hash": data_hash([identity])}

    @classmethod
    def read(cls, config: RunConfig) -> PageSources:
        """Find what pictures are rendered of."""
        section: TextDetectionConfig = config.section
        train, val = (rendered_pages(section, held_out=held_out) for held_out in (False, True))
        note = f"{section.pages.count} pictures are rendered in {len(train.fonts)} fonts"
        return PageSources(train, val, (note,))

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, ...]:
        """Cut parts out of rendered pictures."""
        size = self.config.batch_size
        samples = [
            self._crop(np.random.default_rng((self.config.seed, step, row))) for row in range(size)[part.of(size)]
        ]
        images, *maps = (np.stack(parts) for parts in zip(*samples, strict=True))
        normalised = self.encoder.preprocessing.normalise(images)
        return torch.from_numpy(normalised), *(torch.from_numpy(each) for each in maps)

    def _crop(self, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return a part of a picture ``(S, S, 3)`` uint8, and the maps to predict for it."""
        content, lines = self._page(int(random.integers(self.section.pages.count)))
        image = Image.open(io.BytesIO(content))
        scale, side = random.uniform(*self.section.scale), self.section.crop
        width, height = round(image.width * scale), round(image.height * scale)
        left, top = (random.uniform(min(0, has - side), max(0, has - side)) for has in (width, height))
        box = (left / scale, top / scale, (left + side) / scale, (top + side) / scale)
        pixels = np.asarray(image.transform((side, side), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))
        if random.random() < 0.15:
            pixels = 255 - pixels
        cells = (lines * scale - (left, top)) / STRIDE
        heights = np.linalg.norm(lines[:, 3] - lines[:, 0], axis=1) * scale
        maps = target_maps(cells[heights >= LEAST_HEIGHT], ((side + 1) // STRIDE, (side + 1) // STRIDE))
        return pixels, *maps

    def _page(self, number: int) -> tuple[bytes, np.ndarray]:
        """Return a picture's file and lines; it is rendered when it is first asked for."""
        if number not in self._rendered:
            image, lines, _ = self._pages.train.render(number)
            file = io.BytesIO()
            image.save(file, "JPEG", quality=int(np.random.default_rng((TRAINING, number)).integers(*QUALITY)))
            self._rendered[number] = file.getvalue(), lines
        return self._rendered[number]

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the weighted losses of the three maps."""
        images, *maps = (each.to(self.device) for each in batch)
        losses = self.model.losses(self.encoder, images.contiguous(memory_format=torch.channels_last), TextMaps(*maps))
        weights = {"text": 1.0, "binary": self.section.db.binary_weight, "threshold": self.section.db.threshold_weight}
        return [Term(value, len(images), name=name, weight=weights[name]) for name, value in losses.items()]

    def validate(self) -> Validation:
        """Find the lines of pictures that were not trained on."""
        pairs = []
        with torch.no_grad():
            for number in range(self.config.validation.photos):
                image, lines, _ = self._pages.val.render(number)
                pixels = padded(np.asarray(image))
                images = torch.from_numpy(self.encoder.preprocessing.normalise(pixels[None])).to(self.device)
                logits = self.model.logits(self.encoder, images.contiguous(memory_format=torch.channels_last))
                found = find_lines(torch.sigmoid(logits[0]).cpu().numpy(), threshold=THRESHOLD, least_score=LEAST_SCORE)
                pairs.append((found.corners * STRIDE, lines))
        scores = line_scores(pairs)
        return Validation(scores["f1"], scores)
