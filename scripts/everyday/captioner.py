"""The everyday captioner before training: the one to begin with, with words and tags that are new to it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from corpus import Corpus
from make_features import Photos
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from vocabulary import Words

from seetell.language.object_names import CLASSES
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models.tag_transformer import TagTransformer, TagTransformerConfig
from seetell.tasks.captioning.models.transformer import Transformer, TransformerConfig
from seetell.training.ema import ExponentialMovingAverage

FEATURES, LOCATIONS = 1280, 64
_PER_WORD = ("word_embedding.weight", "output_bias")
"""Parameters that have a row for each word."""

TAG_PARAMETERS = ("tag_", "null_", "no_tag", "gains", "object_gain", "word_gain", "said_bias")
"""Beginnings of the names of the parameters that the first captioner lacks."""


def starting_weights(corpus: Corpus) -> dict[str, Tensor]:
    """Return the weights of the captioner that training begins with."""
    return {name: torch.from_numpy(each) for name, each in corpus.start.weights.items()}


def starting_captioner(corpus: Corpus) -> Transformer:
    """Return the captioner that training begins with."""
    start = corpus.start
    config = TransformerConfig(**{**start.sizes, "dropout": 0.0, "feature_dropout": 0.0})
    captioner = Transformer(config, feature_size=FEATURES, vocabulary_size=len(start.vocabulary), locations=LOCATIONS)
    captioner.load_state_dict(starting_weights(corpus))
    return captioner.eval().requires_grad_(False)


def untrained_captioner(
    corpus: Corpus, words: Words, *, dropout: float = 0.0, feature_dropout: float = 0.0
) -> TagTransformer:
    """Return a captioner with random weights that knows which words name tags."""
    sizes = {**corpus.start.sizes, "dropout": dropout, "feature_dropout": feature_dropout}
    config = TagTransformerConfig(**sizes, words=len(words.detected))
    vocabulary = words.vocabulary.words
    captioner = TagTransformer(config, feature_size=FEATURES, vocabulary_size=len(vocabulary), locations=LOCATIONS)
    captioner.name_tags(vocabulary, CLASSES, words.detected)
    return captioner


def initial_captioner(corpus: Corpus, words: Words, *, dropout: float, feature_dropout: float) -> TagTransformer:
    """Return the captioner with the first one's weights; new words begin near known ones, tags at their names."""
    captioner = untrained_captioner(corpus, words, dropout=dropout, feature_dropout=feature_dropout)
    weights = starting_weights(corpus)
    known = weights["word_embedding.weight"]
    nearest, shares = (torch.from_numpy(part) for part in words.neighbours(corpus.vectors))
    near = (known[nearest] * shares[..., None].float()).sum(dim=1)
    near = near / near.norm(dim=1, keepdim=True) * known.norm(dim=1).mean()
    near = near + 0.4 * known.std() * torch.randn_like(near)
    rare = weights["output_bias"].quantile(0.2) - 1
    weights["word_embedding.weight"] = torch.cat([known, near])
    weights["output_bias"] = torch.cat([weights["output_bias"], rare.expand(len(near))])
    captioner.load_state_dict({**captioner.state_dict(), **weights})
    number = {word: place for place, word in enumerate(words.vocabulary.words)}
    with torch.no_grad():
        for tag, name in enumerate((*CLASSES, *words.detected)):
            last = [word for word in name.split() if word in number][-1:]
            captioner.tag_embedding.weight[tag] = 4 * captioner.word_embedding.weight[number[last[0]]] if last else 0
    return captioner


def save_captioner(captioner: TagTransformer, file: Path) -> None:
    """Write a captioner's weights."""
    save_file({name: value.contiguous() for name, value in captioner.state_dict().items()}, file)


def load_captioner(
    corpus: Corpus, words: Words, file: Path, *, dropout: float = 0.0, feature_dropout: float = 0.0
) -> TagTransformer:
    """Read what :func:`save_captioner` wrote."""
    captioner = untrained_captioner(corpus, words, dropout=dropout, feature_dropout=feature_dropout)
    captioner.load_state_dict(load_file(file))
    return captioner.eval()


def features_of(photos: Photos, rows: np.ndarray, views: np.ndarray) -> Features:
    """Return everything that the captioner reads of photos ``(B,)``, each of one view."""
    grid = photos.grids(rows, views)
    return Features(grid.mean(dim=1), grid, photos.tags(rows, views))


def parameter_groups(captioner: TagTransformer, *, rate: float, new_rate: float) -> list[dict[str, Any]]:
    """Return the parameters for an optimiser: the first captioner's at one learning rate, new ones at another."""
    named = list(captioner.named_parameters())
    return [
        {"params": [value for name, value in named if not name.startswith(TAG_PARAMETERS)], "lr": rate},
        {"params": [value for name, value in named if name.startswith(TAG_PARAMETERS)], "lr": new_rate},
    ]


def warm_cosine(step: int, *, warmup: int, steps: int, middle: float, amplitude: float) -> float:
    """Return the factor of learning rates that rise, and fall by a cosine.

    Args:
        step: counted from 0.
        warmup: steps in which it rises.
        steps: in which the cosine goes from 1 to -1.
        middle: of the fall.
        amplitude: of the fall.
    """
    return min(1, (step + 1) / warmup) * (middle + amplitude * math.cos(math.pi * step / steps))


def optimise(
    module: nn.Module,
    loss: Callable[[], Tensor],
    optimiser: torch.optim.Optimizer,
    rate: Callable[[int], float],
    *,
    steps: int,
    decay: float,
    report: Callable[[Tensor], str],
    every: int,
) -> None:
    """Train a module, which has the average of its weights in the end.

    Args:
        module: trained.
        loss: of the next batch.
        optimiser: of the module's parameters.
        rate: factor of the learning rates at a step, counted from 0.
        steps: of the optimiser.
        decay: of the average.
        report: what is printed of a loss.
        every: steps between reports.
    """
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    average, started = ExponentialMovingAverage({"module": module}, decay=decay), time.monotonic()
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update()
        if step % every == 0 or step == steps:
            print(f"step {step}: {report(value)}, {time.monotonic() - started:.0f} s", flush=True)
    average.apply()


SIGHT = ("grid_", "pooled_", "locations", "feature_")
"""Beginnings of the names of the parameters that read the encoder's features."""


def mix(weights: Sequence[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Return the weighted mean of captioners trained from the same one.

    Wortsman et al., "Model soups", ICML 2022.

    Args:
        weights: state of each.
        shares: of each, of sum 1.
    """
    first = weights[0]
    mixed = {
        name: torch.stack([share * each[name] for share, each in zip(shares, weights, strict=True)]).sum(dim=0)
        for name, value in first.items()
        if value.is_floating_point() and value.isfinite().all()
    }
    return {**first, **mixed}


def return_to_start(
    captioner: TagTransformer, corpus: Corpus, words: Words, share: float, names: Sequence[str]
) -> None:
    """Move weights that a captioner has in common with the first one towards it.

    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.

    Args:
        captioner: changed in place.
        corpus: which has the first captioner.
        words: of the captioner.
        share: of the first captioner's weights, from 0 to 1.
        names: beginnings of the names of the parameters to move.
    """
    own = captioner.state_dict()
    for name, value in starting_weights(corpus).items():
        if value.is_floating_point() and name.startswith(tuple(names)):
            part = own[name][: words.known] if name in _PER_WORD else own[name]
            part.lerp_(value.to(part.device), share)
