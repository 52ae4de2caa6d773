"""Teach the captioner to read tags, by the cross-entropy of captions of three kinds at once.

    python scripts/everyday/cross_entropy.py everyday.pack work

- Photos of Flickr8k with two of their captions and the first captioner's own sentence (replay); the predictions stay
  near the first captioner's (Li & Hoiem, "Learning without Forgetting", ECCV 2016).
- Photos of COCO with their only caption.
- COCO's other sentences, without a photo: with simulated tags, for some of them the grid of the photo that lent the
  tags, for the others the learned null grid.

``work/cross_entropy.safetensors`` is the average of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from arguments import script_arguments
from captioner import (
    FEATURES,
    features_of,
    initial_captioner,
    optimise,
    parameter_groups,
    save_captioner,
    starting_captioner,
    warm_cosine,
)
from corpus import Corpus
from make_features import Photos
from mentions import Mentions
from simulated_tags import SimulatedTags
from torch import Tensor
from torch.nn import functional as F
from vocabulary import Words

from seetell.language.decoding import Decoding
from seetell.language.vocabulary import UNK
from seetell.nn.backbones import Features, Tags
from seetell.tasks.captioning.models import IGNORE_INDEX, caption_tensors
from seetell.tasks.captioning.models.tag_transformer import TagTransformer
from seetell.tasks.captioning.validation import best_hypotheses


@dataclass(frozen=True)
class CrossEntropy:
    """Sizes and weights of the training.

    Attributes:
        steps: optimiser steps.
        learning_rate: of what the first captioner has, too.
        new_learning_rate: of what it has not.
        warmup: steps in which the rates rise.
        flickr: photos of Flickr8k in a batch.
        captions: captions of each.
        coco: photos of COCO in a batch.
        coco_weight: of the loss of 32 of them.
        sentences: sentences without a photo in a batch.
        with_grid: share of them that have a grid.
        distillation: weight of the divergence from the first captioner.
        label_smoothing: of the cross-entropy.
        dropout: of the captioner.
        decay: of the average of the weights.
        max_words: longer captions are cut.
    """

    steps: int = 1500
    learning_rate: float = 2e-4
    new_learning_rate: float = 1e-3
    warmup: int = 60
    flickr: int = 12
    captions: int = 2
    coco: int = 8
    coco_weight: float = 2.0
    sentences: int = 32
    with_grid: float = 0.4
    distillation: float = 0.5
    label_smoothing: float = 0.1
    dropout: float = 0.1
    decay: float = 0.995
    max_words: int = 18


class CaptionMixture:
    """Everything that the captioner is trained on, and the captioner.

    Args:
        corpus: the pack.
        work: where features and tags are.
        config: of the training.
        device: to compute on.
    """

    def __init__(self, corpus: Corpus, work: Path, config: CrossEntropy, device: torch.device) -> None:
        torch.manual_seed(1)
        self._config, self._random, self._device = config, np.random.default_rng(1), device
        words = Words.load(work)
        self._known, vocabulary = words.known, words.vocabulary
        self._flickr, self._coco, unlabelled = (
            Photos(corpus, work, name, device=device) for name in ("flickr_train", "coco_train", "coco_unlabelled")
        )
        self._simulated = SimulatedTags(Mentions.of(corpus, words), self._coco, unlabelled)
        self._teacher = starting_captioner(corpus).to(device)
        self._said = self._own_sentences()
        encode = vocabulary.encode
        self._flickr_captions = [[encode(tokens) for tokens in photo] for photo in self._flickr.set.tokens]
        self._coco_captions = [[encode(tokens) for tokens in photo] for photo in self._coco.set.tokens]
        self._sentences = [encode(tokens) for tokens in corpus.sentences]
        self.captioner = initial_captioner(corpus, words, dropout=config.dropout, feature_dropout=config.dropout)
        self.captioner.to(device)

    def _own_sentences(self) -> list[list[int]]:
        """Return what the first captioner says of the photos of Flickr8k; its words have the same numbers."""
        decoding = Decoding(beam_size=3, length_penalty=1.0, no_repeat_ngram_size=3)
        said = []
        for rows in np.array_split(np.arange(len(self._flickr.set)), math.ceil(len(self._flickr.set) / 64)):
            features = features_of(self._flickr, rows, np.zeros_like(rows))
            said += [best.tokens for best in best_hypotheses(self._teacher, features, decoding)]
        return [[token for token in tokens if token] for tokens in said]

    def loss(self) -> Tensor:
        """Return the loss of the next batch."""
        return self._of_flickr() + self._of_coco() + self._of_sentences()

    def _of_flickr(self) -> Tensor:
        config, random = self._config, self._random
        rows, views = self._choose(len(self._flickr.set), config.flickr)
        features = features_of(self._flickr, rows, views)
        captions = [
            [
                *(self._flickr_captions[row][number] for number in random.permutation(5)[: config.captions]),
                self._said[row],
            ]
            for row in rows
        ]
        inputs, targets = self._tensors(captions)
        logits = self.captioner(features, inputs, targets)
        with torch.no_grad():
            known = inputs.where(inputs < self._known, UNK)
            expected = torch.log_softmax(self._teacher(features, known, targets), dim=1)
        guessed = torch.log_softmax(logits, dim=1)[:, : self._known]
        divergence = (expected.exp() * (expected - guessed)).sum(dim=1).mean()
        return self._cross_entropy(logits, targets) + config.distillation * divergence

    def _of_coco(self) -> Tensor:
        rows, views = self._choose(len(self._coco.set), self._config.coco)
        inputs, targets = self._tensors([self._coco_captions[row][:1] for row in rows])
        loss = self._cross_entropy(self.captioner(features_of(self._coco, rows, views), inputs, targets), targets)
        return loss * self._config.coco_weight * self._config.coco / 32

    def _of_sentences(self) -> Tensor:
        config = self._config
        rows = self._random.integers(len(self._sentences), size=config.sentences)
        photos, views, tags = self._simulated.draw(rows, self._random)
        inputs, targets = self._tensors([[self._sentences[row]] for row in rows])
        shown = self._random.random(len(rows)) < config.with_grid
        total = torch.zeros((), device=self._device)
        for features, chosen in without_photos(self._simulated, photos, views, tags, shown):
            own, expected = inputs[chosen], targets[chosen]
            real = (expected != IGNORE_INDEX).sum()
            total = total + self._cross_entropy(self.captioner(features, own, expected), expected) * real
        return total / (targets != IGNORE_INDEX).sum()

    def _choose(self, count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        return self._random.integers(count, size=size), self._random.integers(2, size=size)

    def _tensors(self, captions: Sequence[Sequence[Sequence[int]]]) -> tuple[Tensor, Tensor]:
        inputs, targets = caption_tensors(captions, max_words=self._config.max_words)
        return inputs.to(self._device), targets.where(targets != UNK, IGNORE_INDEX).to(self._device)

    def _cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        words = targets[targets != IGNORE_INDEX]
        return F.cross_entropy(logits, words, label_smoothing=self._config.label_smoothing)


def without_photos(
    simulated: SimulatedTags, photos: np.ndarray, views: np.ndarray, tags: Tags, shown: np.ndarray
) -> list[tuple[Features, np.ndarray]]:
    """Return the features of sentences without photos in two groups, those that have a grid first.

    Args:
        simulated: that drew the tags.
        photos: that lent them, ``(B,)``, as the other arguments.
        views: of these.
        tags: for the sentences.
        shown: which sentences have the grid of that photo.

    Returns:
        Features and the sentences that they are of; a group without sentences is left out.
    """
    groups = []
    for chosen in (np.flatnonzero(shown), np.flatnonzero(~shown)):
        if len(chosen):
            own = Tags(*(part[chosen] for part in tags))
            grid = simulated.grids(photos[chosen], views[chosen]) if shown[chosen[0]] else None
            pooled = own.objects.new_zeros(len(chosen), FEATURES) if grid is None else grid.mean(dim=1)
            groups.append((Features(pooled, grid, own), chosen))
    return groups


def main(corpus: Corpus, work: Path, config: CrossEntropy, *, device: torch.device) -> TagTransformer:
    """Train, and write the average of the weights."""
    mixture = CaptionMixture(corpus, work, config, device)
    captioner = mixture.captioner.train()
    groups = parameter_groups(captioner, rate=config.learning_rate, new_rate=config.new_learning_rate)
    optimise(
        captioner,
        mixture.loss,
        torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01),
        partial(warm_cosine, warmup=config.warmup, steps=config.steps, middle=0.515, amplitude=0.485),
        steps=config.steps,
        decay=config.decay,
        report=lambda loss: f"loss {loss.item():.3f}",
        every=50,
    )
    save_captioner(captioner, work / "cross_entropy.safetensors")
    return captioner.eval()


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    parser.add_argument("--steps", type=int, default=CrossEntropy.steps)
    options = parser.parse_args()
    main(Corpus(options.pack), options.work, CrossEntropy(steps=options.steps), device=options.device)
