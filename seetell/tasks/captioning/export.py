"""What the exporter writes of a captioner: encoder, start and step of the decoder, and weights for further training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data import read
from seetell.export.declaration import (
    Declaration,
    Examples,
    FeaturesGraph,
    GraphSpec,
    ParityCheck,
    comparison_features,
    comparison_tags,
    encoder_graph,
)
from seetell.nn.backbones import Features, Tags
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import ImageTagger
from seetell.tasks.captioning.models import Captioner
from seetell.tasks.captioning.tagging import tagger_bundle
from seetell.training.trained import Trained

STEPS = 5


class StartGraph(nn.Module):
    """A captioner's start: ``pooled`` and, where they are read, ``grid`` and tags → ``memory_0``, …, ``state_0``, …."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """Return memory and first state."""
        pooled, *others = features
        uses_grid = self.captioner.uses_grid
        tags = Tags(*others[int(uses_grid) :]) if self.captioner.uses_tags else None
        memory, state = self.captioner.start(Features(pooled, others[0] if uses_grid else None, tags))
        return *memory, *state


class StepGraph(nn.Module):
    """A captioner's step: tokens, photos, memory, state → ``logprobs``, ``next_state_0``, …, ``attention``."""

    def __init__(self, captioner: Captioner, *, memories: int) -> None:
        super().__init__()
        self.captioner, self.memories = captioner, memories

    def forward(self, tokens: Tensor, photos: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        """Read one word per row."""
        memory, state = parts[: self.memories], parts[self.memories :]
        logprobs, following, attention = self.captioner.step(tokens, photos, memory, state)
        return (logprobs, *following) if attention is None else (logprobs, *following, attention)


def decoder_graphs(captioner: Captioner, features: Features) -> tuple[GraphSpec, GraphSpec]:
    """Declare the graphs ``decoder_start`` and ``decoder_step``, with features of at least two images as an example."""
    given = _inputs(captioner, features)
    with torch.no_grad():
        memory, state = captioner.start(features)
    memories = [f"memory_{index}" for index in range(len(memory))]
    states = [f"state_{index}" for index in range(len(state))]
    photos: dict[int, object] = {0: torch.export.Dim("photos", min=1)}
    rows: dict[int, object] = {0: torch.export.Dim("rows", min=1)}
    longer = rows | {1: torch.export.Dim("words", min=1)}
    start = GraphSpec(
        name="decoder_start",
        module=StartGraph(captioner),
        examples=tuple(given.values()),
        inputs=tuple(given),
        outputs=(*memories, *states),
        dynamic_shapes=(tuple(photos for _ in given),),
        weights="shared",
    )
    tokens = torch.zeros(len(features.pooled), dtype=torch.long)
    axes = [photos for _ in memory] + [
        longer if index in captioner.growing_state else rows for index in range(len(state))
    ]
    step = GraphSpec(
        name="decoder_step",
        module=StepGraph(captioner, memories=len(memory)),
        examples=(tokens, tokens.clone(), *(part.clone() for part in (*memory, *state))),
        inputs=("tokens", "photos", *memories, *states),
        outputs=("logprobs", *(f"next_{name}" for name in states), *(["attention"] if captioner.attends else [])),
        dynamic_shapes=(rows, rows, tuple(axes)),
        weights="shared",
    )
    return start, step


def decoder_check(captioner: Captioner, features: Features) -> ParityCheck:
    """Declare that the decoder's graphs must give torch's log-probabilities, up to half-precision weights."""
    return ParityCheck(
        name="decoder_logprob_max_difference",
        tolerance=0.1,
        measure=lambda graphs: decoder_difference(captioner, features, graphs),
    )


def decoder_difference(captioner: Captioner, features: Features, graphs: Mapping[str, Graph]) -> float:
    """Return the largest absolute difference of a log-probability over the first steps of greedy decoding."""
    # one image fewer than in the example shows whether the batch axis is dynamic
    tags = None if features.tags is None else Tags(*(part[1:] for part in features.tags))
    features = Features(features.pooled[1:], None if features.grid is None else features.grid[1:], tags)
    start, step = graphs["decoder_start"], graphs["decoder_step"]
    feeds = {name: part.numpy() for name, part in _inputs(captioner, features).items()}
    feeds = dict(zip(start.outputs, start.run(feeds, start.outputs), strict=True))
    differences = []
    with torch.inference_mode():
        memory, state = captioner.start(features)
        tokens, photos = torch.ones(len(features.pooled), dtype=torch.long), torch.arange(len(features.pooled))
        for _ in range(STEPS):
            logprobs, state, _ = captioner.step(tokens, photos, memory, state)
            feeds |= {"tokens": tokens.numpy(), "photos": photos.numpy()}
            outputs = dict(zip(step.outputs, step.run(feeds, step.outputs), strict=True))
            feeds |= {name.removeprefix("next_"): part for name, part in outputs.items()}
            likely = logprobs.numpy() > -10  # words with a probability below 1 in 20,000 are never generated
            differences.append(np.abs(logprobs.numpy()[likely] - outputs["logprobs"][likely]).max())
            tokens = logprobs.argmax(dim=1)
    return float(np.max(differences))


def _inputs(captioner: Captioner, features: Features) -> dict[str, Tensor]:
    """Return the features that a captioner reads, by the names of its graph's inputs."""
    given = {"pooled": features.pooled}
    if captioner.uses_grid and features.grid is not None:
        given["grid"] = features.grid
    if captioner.uses_tags and features.tags is not None:
        given |= features.tags._asdict()
    return given


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained captioner."""
    data, encoder, captioner = trained.config.data, trained.encoder, trained.model
    section = trained.config.section
    examples = Examples.of(read(data.path, **data.reading), encoder)
    features = comparison_features(encoder, examples)
    tagger = None
    if captioner.uses_tags:
        tagger = tagger_bundle(trained.config)
        tags = comparison_tags(ImageTagger(tagger, threads=1), features, examples)
        features = features._replace(tags=tags)
    module = FeaturesGraph(encoder, with_grid=captioner.uses_grid)
    outputs = ("pooled", "grid") if captioner.uses_grid else ("pooled",)
    return Declaration(
        architecture=section.architecture,
        graphs=(encoder_graph(module, outputs, examples), *decoder_graphs(captioner, features)),
        examples=examples,
        models=(captioner,),
        settings={
            "decoding": section.decoding.to_dict(),
            **({"grid": list(encoder.grid_size)} if captioner.attends else {}),
            **({name: tagger.settings[name] for name in ("objects", "words")} if tagger else {}),
        },
        checks=(decoder_check(captioner, features),),
        weights={"encoder": encoder.state_dict(), "captioner": captioner.state_dict()},
        distilled_from=[Path(teacher).name for teacher in section.distillation.teachers],
        tagger=tagger,
    )
