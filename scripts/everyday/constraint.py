"""What the captioner may name: for each object class the least presence.

The detector misses small things such as balls. So the threshold of a class is as high as can be, up to ``HIGHEST``, as
long as few of Flickr8k's photos lose an object that their captions mention; and no lower than most mentions are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from corpus import TRAINING, Corpus
from make_features import Photos
from mentions import object_counts

from seetell.language.object_names import CLASSES

HIGHEST = -0.4
LOST = 0.004
"""Share of Flickr8k's photos that may lose a mention of a class."""
MISSED = 0.05
"""Share of a class's mentions that lie below its threshold, whatever is lost."""
POOLED = 20
"""Mentions of any class that count with those of each, since some classes are rare."""
LOOSENED = 0.25
"""How much lower the thresholds of the bundle are, whose sentences are also chosen by how likely their things are."""
LEAST_CAPTIONS = {"flickr_train": 2, "coco_train": 1}
"""Captions that must mention an object for it to be there."""


def presence_thresholds(corpus: Corpus, work: Path) -> torch.Tensor:
    """Return for each class the presence below which it may not be named, ``(80,)``."""
    mentions = {name: _mentions(corpus, work, name) for name in TRAINING}
    named, found = (np.concatenate(parts) for parts in zip(*mentions.values(), strict=True))
    own_named, own_found = mentions["flickr_train"]
    pooled = found[np.random.default_rng(0).integers(len(found), size=POOLED)]
    lost = int(LOST * len(corpus.sets["flickr_train"]))
    thresholds = []
    for number in range(len(CLASSES)):
        flickr = np.sort(own_found[own_named == number])
        harmless = flickr[lost] if len(flickr) > lost else np.inf
        least = np.quantile(np.concatenate([found[named == number], pooled]), MISSED)
        thresholds.append(min(HIGHEST, max(least, harmless)))
    return torch.tensor(thresholds, dtype=torch.float32)


def _mentions(corpus: Corpus, work: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes that photos of a set show, photo by photo, and their presence."""
    photos = Photos(corpus, work, name, device=torch.device("cpu"))
    classes, found = [], []
    for own, presence in zip(photos.set.tokens, photos.presence[:, 0], strict=True):
        captions = np.sum([object_counts(tokens) > 0 for tokens in own], axis=0)
        mentioned = np.flatnonzero(captions >= LEAST_CAPTIONS[name])
        classes += mentioned.tolist()
        found += presence[mentioned].tolist()
    return np.array(classes, np.int64), np.array(found)
