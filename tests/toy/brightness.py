"""A whole task in one file: is an image dark or bright? Trained, exported, evaluated and predicted like any other.

It stands for a task that somebody else's package adds: nothing of seetell knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.data.records import PhotoRecord
from seetell.export.declaration import Declaration, FeaturesGraph, GraphSpec, comparison_features, encoder_graph
from seetell.export.examples import Examples
from seetell.nn.backbones import weights_hash
from seetell.photos import open_photo
from seetell.results import Label, Labels
from seetell.runtime.image_stream import preprocess
from seetell.runtime.predictor import Predictor
from seetell.runtime.sessions import Graph
from seetell.tasks.evaluation import Evaluation, collect
from seetell.tasks.registry import Option, Task
from seetell.training import task
from seetell.training.batches import sample_batch_indices
from seetell.training.config import Section
from seetell.training.features import PixelFeatures
from seetell.training.preparation import frozen_encoder
from seetell.training.task import Validation, seeded

LABELS = ("dark", "bright")
TASK = Task(
    name="brightness",
    command="brighten",
    summary="Say whether images are dark or bright.",
    result="labels",
    example="seetell brighten photo.jpg",
    predict="brightness:Judge",
    evaluate="brightness:evaluate",
    config="brightness:BrightnessConfig",
    train="brightness:Training",
    model="brightness:build",
    export="brightness:graphs",
    options=(Option("top", int, "Labels per image.", 2, minimum=1, maximum=2, served=True),),
    package="toy",
)


@dataclass(frozen=True)
class BrightnessConfig(Section):
    """The section of a recipe."""

    bias: bool = True


@dataclass(frozen=True)
class Images:
    """A folder of images; every third validates."""

    source: Path
    photos: tuple[PhotoRecord, ...]
    notes = problems = ()

    def split(self, name: str) -> tuple[PhotoRecord, ...]:
        return tuple(photo for photo in self.photos if photo.split == name)


def read(folder: Path) -> Images:
    photos = [
        PhotoRecord(path.name, path, ("bright" if np.asarray(open_photo(path)).mean() > 127 else "dark",), split)
        for number, path in enumerate(sorted(folder.glob("*.png")))
        for split in ["val" if number % 3 == 0 else "train"]
    ]
    return Images(folder, tuple(photos))


def build(config: Any, encoder: Any, vocabulary: None) -> nn.Module:
    return nn.Linear(encoder.channels, len(LABELS), bias=config.section.bias)


class Training(task.Training):
    """What the loop needs."""

    part = "brightness"
    curves = ("accuracy",)
    vocabulary = None
    failures: dict[Path, str] = {}  # noqa: RUF012

    def __init__(self, config: Any, dataset: Images, **callbacks: Any) -> None:
        super().__init__(config, dataset)
        self.encoder = frozen_encoder(config, None)
        self.model = seeded(config, build, self.encoder, None)
        self.hashes = {"encoder_hash": weights_hash(self.encoder)}
        self._photos = {split: dataset.split(split) for split in ("train", "val")}
        self._sources = {
            split: PixelFeatures(self.encoder, photos, crop=False) for split, photos in self._photos.items()
        }

    @classmethod
    def read(cls, config: Any) -> Images:
        return read(Path(config.data.path))

    def _labels(self, split: str) -> Tensor:
        return torch.tensor([LABELS.index(photo.captions[0]) for photo in self._photos[split]])

    def batch(self, step: int) -> tuple[Tensor, ...]:
        indices = sample_batch_indices(
            step,
            seed=self.config.seed,
            caption_counts=np.ones(len(self._photos["train"]), np.int64),
            batch_size=self.config.batch_size,
            captions_per_photo=1,
            flip=False,
        )
        return self._sources["train"].prepare(indices), self._labels("train")[torch.from_numpy(indices.photos)]

    def loss(self, step: int, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, float]]:
        images, labels = batch
        with torch.no_grad():
            pooled = self._sources["train"].features(images).pooled
        return F.cross_entropy(self.model(pooled), labels), {}

    def validate(self) -> Validation:
        with torch.no_grad():
            logits = torch.cat([self.model(features.pooled) for features in self._sources["val"].batches(8)])
        labels = self._labels("val")
        accuracy = (logits.argmax(dim=1) == labels).float().mean().item()
        return Validation(accuracy, {"validation_loss": F.cross_entropy(logits, labels).item(), "accuracy": accuracy})


class _Scores(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pooled: Tensor) -> tuple[Tensor]:
        return (torch.softmax(self.model(pooled), dim=1),)


def graphs(trained: Any) -> Declaration:
    dataset = read(Path(trained.config.data.path))
    examples = Examples(dataset.split("train"), dataset.split("val"), trained.encoder.preprocessing)
    scores = GraphSpec(
        name="scores",
        module=_Scores(trained.model).eval(),
        examples=(comparison_features(trained.encoder, examples).pooled,),
        inputs=("pooled",),
        outputs=("scores",),
        dynamic_shapes=({0: torch.export.Dim("images", min=1)},),
        tolerance=1e-3,
    )
    return Declaration(
        architecture="linear",
        graphs=(encoder_graph(FeaturesGraph(trained.encoder, with_grid=False), ("pooled",), examples), scores),
        examples=examples,
        models=(trained.model,),
        settings={},
        labels=LABELS,
    )


class Judge(Predictor[np.ndarray, Labels]):
    """The predictor."""

    task = "brightness"

    def __init__(self, bundle: Any, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, threads=threads)
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=self.threads)
        self._scores = Graph.open(bundle, "scores", threads=self.threads)

    def prepare(self, image: Any, text: str = "") -> np.ndarray:
        return preprocess(image, self.bundle.preprocessing)

    def bind(self, *, top: int = 2) -> Any:
        return partial(self._predict, top=top)

    def _predict(self, batch: Sequence[np.ndarray], sample_ids: Sequence[int], *, top: int) -> list[Labels]:
        (pooled,) = self._encoder.run({"images": np.stack(batch)}, ["pooled"])
        (scores,) = self._scores.run({"pooled": pooled}, ["scores"])
        labels = self.bundle.labels
        return [
            Labels(tuple(Label(labels[place], float(row[place])) for place in np.argsort(-row)[:top]), self.name)
            for row in scores
        ]


def evaluate(predictor: Judge, data: Any, *, split: str = "val", progress: Any = None) -> Evaluation:
    photos = read(data.path).split(split)
    results = predictor.predict_many([photo.path for photo in photos], top=1)
    worked, failures = collect("labelling", photos, results, progress)
    right = sum(labels.labels[0].text == photo.captions[0] for photo, labels in worked)
    return Evaluation({"accuracy": right / len(worked), "photos": len(worked)}, failures)
