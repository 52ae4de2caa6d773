"""Optimise the CIDEr-D of sentences, and their truth.

    python scripts/everyday/self_critical.py everyday.pack work mixed
    python scripts/everyday/self_critical.py everyday.pack work flickr

Self-critical sequence training (Rennie et al., CVPR 2017), twice from ``work/cross_entropy.safetensors``:

- ``mixed`` rewards photos of Flickr8k and COCO and sentences without photos, in groups of five or more of one photo
  with simulated tags, less a penalty for each object that is named, but neither in a reference nor tagged with some
  certainty;
- ``flickr`` rewards photos of Flickr8k alone, and stops early.

They write ``work/mixed.safetensors`` and ``work/flickr.safetensors``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from arguments import script_arguments
from captioner import features_of, load_captioner, optimise, parameter_groups, save_captioner, warm_cosine
from corpus import Corpus
from cross_entropy import without_photos
from make_features import Photos
from mentions import Mentions
from simulated_tags import SimulatedTags
from torch import Tensor
from vocabulary import Words

from seetell.language.object_names import CLASSES, objects_named
from seetell.language.vocabulary import END, SPECIALS, Vocabulary
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.nn.backbones import Features
from seetell.tasks.captioning.config import SelfCriticalConfig
from seetell.tasks.captioning.models.tag_transformer import TagTransformer
from seetell.tasks.captioning.self_critical import SelfCriticalLoss

GROUP = 5
MAX_WORDS = 19
PRESENT_SCORE = 0.4
"""Objects tagged with this score are taken to be there."""

References = Sequence[Sequence[Sequence[str]]]


@dataclass(frozen=True)
class SelfCritical:
    """Sizes and weights of a training.

    Attributes:
        flickr: photos of Flickr8k in a batch.
        coco: photos of COCO.
        sentences: groups of sentences without a photo.
        penalty: for each object that is named and is not there.
        learning_rate: of what the first captioner has, too.
        new_learning_rate: of what it has not.
        warmup: steps in which the rates rise.
        steps: in which they fall to a fortieth.
        stop: the step after which it ends.
        dropout: of the captioner, where the gradient is taken.
        decay: of the average of the weights.
        with_grid: share of the groups that have a grid.
        samples: sentences per photo.
        temperature: of sampling.
    """

    flickr: int
    coco: int
    sentences: int
    penalty: float
    learning_rate: float
    new_learning_rate: float
    warmup: int
    steps: int
    stop: int
    dropout: float
    decay: float
    with_grid: float = 0.4
    samples: int = 5
    temperature: float = 0.6


TRAININGS = {
    "mixed": SelfCritical(
        flickr=10,
        coco=6,
        sentences=10,
        penalty=0.8,
        learning_rate=6e-5,
        new_learning_rate=6e-5,
        warmup=20,
        steps=500,
        stop=500,
        dropout=0.0,
        decay=0.99,
    ),
    "flickr": SelfCritical(
        flickr=16,
        coco=0,
        sentences=0,
        penalty=0.0,
        learning_rate=4e-5,
        new_learning_rate=1.2e-4,
        warmup=30,
        steps=400,
        stop=80,
        dropout=0.1,
        decay=0.98,
    ),
}


class TruthfulReward:
    """CIDEr-D less a penalty for each object named that is not there.

    Args:
        references: of ``B`` photos, as words and the end.
        objects: their tags, ``(B, 80)``; classes with a score of ``PRESENT_SCORE`` are there, as are those that a
            reference names.
        frequencies: of the domain.
        vocabulary: the captioner's.
        penalty: for each object.
    """

    def __init__(
        self,
        references: References,
        objects: np.ndarray,
        frequencies: DocumentFrequencies,
        vocabulary: Vocabulary,
        penalty: float,
    ) -> None:
        self._references, self._frequencies = references, frequencies
        self._words, self._penalty = vocabulary.words, penalty
        self._there = [
            {name for reference in own for name in objects_named(reference)}
            | {CLASSES[number] for number in np.flatnonzero(scores >= PRESENT_SCORE)}
            for own, scores in zip(references, objects, strict=True)
        ]

    def __call__(self, photos: Sequence[int], sentences: Sequence[Sequence[int]]) -> np.ndarray:
        """Score one sentence for each entry of ``photos``; see ``Reward`` of the captioning task."""
        said = [[self._words[number] for number in sentence] for sentence in sentences]
        rewards = cider([self._references[photo] for photo in photos], said, frequencies=self._frequencies)
        if not self._penalty:
            return rewards
        absent = [
            sum(name not in self._there[photo] for name in objects_named(sentence))
            for photo, sentence in zip(photos, said, strict=True)
        ]
        return rewards - self._penalty * np.array(absent)


class RewardMixture:
    """Everything that is rewarded.

    Args:
        corpus: the pack.
        work: where features and tags are.
        config: of the training.
        device: to compute on.
    """

    def __init__(self, corpus: Corpus, work: Path, config: SelfCritical, device: torch.device) -> None:
        torch.manual_seed(1)
        self._config, self._random, words = config, np.random.default_rng(1), Words.load(work)
        self._vocabulary = words.vocabulary
        self._flickr, self._coco, unlabelled = (
            Photos(corpus, work, name, device=device) for name in ("flickr_train", "coco_train", "coco_unlabelled")
        )
        self._flickr_references, self._coco_references = _ended(self._flickr.set.tokens), _ended(self._coco.set.tokens)
        groups = defaultdict(list)
        for sentence, owner in enumerate(corpus.owners):
            groups[owner].append(sentence)
        self._groups = [group for group in groups.values() if len(group) >= GROUP]
        self._group_references = _ended([[corpus.sentences[row] for row in group] for group in self._groups])
        rewarded = [*self._flickr_references, *(self._group_references if config.sentences else ())]
        self._frequencies = DocumentFrequencies.build(rewarded)
        self._simulated = None
        if config.sentences:
            self._simulated = SimulatedTags(Mentions.of(corpus, words), self._coco, unlabelled)
        self._rewards: list[float] = []

    def loss(self, captioner: TagTransformer) -> Tensor:
        """Return the loss of the next batch."""
        config = self._config
        loss = self._of_photos(captioner, self._flickr, self._flickr_references, config.flickr)
        if config.coco:
            loss = loss + self._of_photos(captioner, self._coco, self._coco_references, config.coco)
        if self._simulated is not None:
            loss = loss + self._of_sentences(captioner, self._simulated)
        return loss

    def mean_reward(self) -> float:
        """Return the mean reward of the batches since it was last asked for."""
        mean = float(np.mean(self._rewards))
        self._rewards.clear()
        return mean

    def _of_photos(self, captioner: TagTransformer, photos: Photos, references: References, count: int) -> Tensor:
        rows, views = self._random.integers(len(references), size=count), self._random.integers(2, size=count)
        return self._loss(captioner, features_of(photos, rows, views), [references[row] for row in rows])

    def _of_sentences(self, captioner: TagTransformer, simulated: SimulatedTags) -> Tensor:
        config, random = self._config, self._random
        chosen = random.integers(len(self._groups), size=config.sentences)
        photos, views, tags = simulated.draw(np.array([self._groups[group][0] for group in chosen]), random)
        shown = random.random(len(chosen)) < config.with_grid
        parts = []
        for features, rows in without_photos(simulated, photos, views, tags, shown):
            loss = self._loss(captioner, features, [self._group_references[chosen[row]] for row in rows])
            parts.append(loss * len(rows) / len(chosen))
        return torch.stack(parts).sum()

    def _loss(self, captioner: TagTransformer, features: Features, references: References) -> Tensor:
        config = self._config
        assert features.tags is not None
        objects = features.tags.objects.cpu().numpy()
        reward = TruthfulReward(references, objects, self._frequencies, self._vocabulary, config.penalty)
        settings = SelfCriticalConfig(samples=config.samples, temperature=config.temperature, baseline="others")
        critic = SelfCriticalLoss(settings, reward, max_words=MAX_WORDS, dropout=config.dropout > 0)
        loss, _, mean = critic(captioner, features, range(len(references)))
        self._rewards.append(mean)
        return loss


def _ended(references: References) -> References:
    return [[[*tokens, SPECIALS[END]] for tokens in own] for own in references]


def main(corpus: Corpus, work: Path, name: str, *, device: torch.device, steps: int | None = None) -> None:
    """Train, and write the average of the weights.

    Args:
        corpus: the pack.
        work: where the result of ``cross_entropy.py`` is.
        name: of the training, a key of ``TRAININGS``.
        device: to compute on.
        steps: fewer than it has, to try things out.
    """
    config, words = TRAININGS[name], Words.load(work)
    if steps is not None:
        config = replace(config, steps=steps, stop=steps)
    start = work / "cross_entropy.safetensors"
    captioner = load_captioner(corpus, words, start, dropout=config.dropout, feature_dropout=config.dropout).to(device)
    mixture = RewardMixture(corpus, work, config, device)
    groups = parameter_groups(captioner, rate=config.learning_rate, new_rate=config.new_learning_rate)
    optimise(
        captioner,
        lambda: mixture.loss(captioner),
        torch.optim.Adam(groups),
        partial(warm_cosine, warmup=config.warmup, steps=config.steps, middle=0.5, amplitude=0.475),
        steps=config.stop,
        decay=config.decay,
        report=lambda _: f"reward {mixture.mean_reward():.3f}",
        every=20,
    )
    save_captioner(captioner, work / f"{name}.safetensors")


if __name__ == "__main__":
    parser = script_arguments(__doc__)
    parser.add_argument("training", choices=TRAININGS)
    parser.add_argument("--steps", type=int, help="fewer than the training has, to try things out")
    options = parser.parse_args()
    main(Corpus(options.pack), options.work, options.training, device=options.device, steps=options.steps)
