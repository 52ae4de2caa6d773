"""What the exporter writes of a text recogniser: encoder, recogniser, perhaps a detector, and their weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

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
from seetell.tasks.text_detection.export import detector_graph, detector_of
from seetell.tasks.text_recognition.data import NumberedWords, WordSources, read_words_of
from seetell.tasks.text_recognition.line_images import Fit, line_picture, network_input, stacked
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
        fit: how pictures get the height of the encoder's input; see :mod:`seetell.tasks.text_recognition.line_images`.
    """

    words: WordSources
    fit: Fit

    @cached_property
    def calibration(self) -> np.ndarray:
        """Preprocessed words that were trained on, ``(N, 3, H, W)``."""
        return self._prepared(self.words.train, CALIBRATION_IMAGES, self.words.train_count)

    @cached_property
    def comparison(self) -> np.ndarray:
        """Preprocessed words that were not trained on, ``(N, 3, H, W)``."""
        return self._prepared(self.words.val, COMPARISON_IMAGES, self.words.val_count)

    def _prepared(self, words: NumberedWords, wanted: int, there_are: int | None) -> np.ndarray:
        pictures = [
            line_picture(words(number).image, self.preprocessing, self.fit)
            for number in range(min(wanted, there_are or wanted))
        ]
        return network_input(stacked(pictures, self.fit), self.preprocessing)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained text recogniser."""
    section = trained.config.section
    examples = WordExamples((), (), trained.encoder.preprocessing, read_words_of(trained.config), section.fit)
    columns = ColumnsGraph(trained.encoder).eval()
    encoder = encoder_graph(columns, ("columns",), examples)
    images: dict[int, object] = {0: torch.export.Dim("images", min=1)}
    if section.fit == "line":  # pictures of any width
        images = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
        wide: dict[int, object] = {0: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        encoder = replace(encoder, dynamic_shapes=(wide,), quantise="", weights="half", tolerance=2e-2)
    with torch.no_grad():
        (found,) = columns(torch.from_numpy(examples.comparison))
    recogniser = GraphSpec(
        name="recogniser",
        module=RecogniserGraph(trained.model).eval(),
        examples=(found.clone(),),
        inputs=("columns",),
        outputs=("log_probs",),
        dynamic_shapes=(images,),
        weights="half",
        tolerance=2e-2,
    )
    graphs: tuple[GraphSpec, ...] = (encoder, recogniser)
    models: tuple[nn.Module, ...] = (trained.model,)
    if section.detector:
        detector = detector_of(Path(section.detector))
        graphs += (detector_graph(detector),)
        models += (detector.model, detector.encoder)
    return Declaration(
        architecture=section.architecture,
        graphs=graphs,
        examples=examples,
        models=models,
        settings={"transcription": "ctc" if section.architecture == "crnn" else "greedy", "fit": section.fit},
        weights={"recogniser": trained.model.state_dict(), "encoder": trained.encoder.state_dict()},
        labels=tuple(section.characters),
    )
