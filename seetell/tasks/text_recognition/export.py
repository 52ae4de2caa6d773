"""What the exporter writes of a text recogniser: the encoder, the recogniser, and weights for further training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from seetell.export.declaration import (
    CALIBRATION_IMAGES,
    COMPARISON_IMAGES,
    Declaration,
    Examples,
    GraphSpec,
    encoder_graph,
)
from seetell.nn.backbones import Encoder
from seetell.tasks.text_recognition.data import WordSources, read_words_of
from seetell.tasks.text_recognition.models import TextRecogniser, columns_of
from seetell.training.trained import Trained


class ColumnsGraph(nn.Module):
    """An encoder of pictures of words: ``images (B, 3, H, W)`` → ``columns (B, T, D)``."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Encode."""
        return (columns_of(self.encoder(images), self.encoder.grid_size),)


class RecogniserGraph(nn.Module):
    """A recogniser: ``columns (B, T, D)`` → ``log_probs``, per column or per character that is written."""

    def __init__(self, recogniser: TextRecogniser) -> None:
        super().__init__()
        self.recogniser = recogniser

    def forward(self, columns: Tensor) -> tuple[Tensor]:
        """Recognise."""
        return (self.recogniser(columns),)


@dataclass(frozen=True)
class WordExamples(Examples):
    """Pictures of words instead of the photos of a data set.

    Attributes:
        words: of the run.
    """

    words: WordSources

    @cached_property
    def calibration(self) -> np.ndarray:
        """Preprocessed words that were trained on, ``(N, 3, H, W)``."""
        count = min(CALIBRATION_IMAGES, self.words.train_count or CALIBRATION_IMAGES)
        return np.stack([self.preprocessing(self.words.train(number).image) for number in range(count)])

    @cached_property
    def comparison(self) -> np.ndarray:
        """Preprocessed words that were not trained on, ``(N, 3, H, W)``."""
        count = min(COMPARISON_IMAGES, self.words.val_count or COMPARISON_IMAGES)
        return np.stack([self.preprocessing(self.words.val(number).image) for number in range(count)])


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained text recogniser."""
    examples = WordExamples((), (), trained.encoder.preprocessing, read_words_of(trained.config))
    encoder = ColumnsGraph(trained.encoder).eval()
    with torch.no_grad():
        (columns,) = encoder(torch.from_numpy(examples.comparison))
    recogniser = GraphSpec(
        name="recogniser",
        module=RecogniserGraph(trained.model).eval(),
        examples=(columns.clone(),),
        inputs=("columns",),
        outputs=("log_probs",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        weights="half",
        tolerance=2e-2,
    )
    return Declaration(
        architecture=trained.config.section.architecture,
        graphs=(encoder_graph(encoder, ("columns",), examples), recogniser),
        examples=examples,
        models=(trained.model,),
        settings={"transcription": "ctc" if trained.config.section.architecture == "crnn" else "greedy"},
        weights={"recogniser": trained.model.state_dict(), "encoder": trained.encoder.state_dict()},
        labels=tuple(trained.config.section.characters),
    )
