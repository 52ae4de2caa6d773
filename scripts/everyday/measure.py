"""How good the captioner's sentences are on the development photos, and how true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from captioner import features_of
from corpus import DEVELOPMENT, Corpus, PhotoSet
from make_features import Photos
from vocabulary import Words

from seetell.language.decoding import Decoding
from seetell.language.tokenizer import tokenize
from seetell.metrics import score_captions
from seetell.metrics.chair import chair
from seetell.tasks.captioning.models.tag_transformer import TagTransformer
from seetell.tasks.captioning.validation import caption_features

DECODING = Decoding(
    method="beam", beam_size=3, length_penalty=1.0, max_words=20, no_repeat_ngram_size=3, remove_bad_endings=True
)
BATCH = 64


def scores(captioner: TagTransformer, corpus: Corpus, work: Path, *, device: torch.device) -> dict[str, float]:
    """Return CIDEr-D and BLEU-4 on both development sets, and CHAIR on COCO's photos that have boxes, in percent."""
    found = {}
    for name in DEVELOPMENT:
        photos = Photos(corpus, work, name, device=device)
        said = captions(captioner, photos, Words.load(work))
        domain = name.removesuffix("_dev")
        measured = score_captions(
            dict(enumerate(photos.set.captions)), dict(enumerate(said)), metrics=("Bleu_4", "CIDEr")
        ).corpus
        found |= {f"{domain} {metric}": 100 * value for metric, value in measured.items()}
        if any(classes is not None for classes in photos.set.boxed):
            found |= zip((f"{domain} CHAIRi", f"{domain} CHAIRs"), truth(photos.set, said), strict=True)
    return found


def captions(captioner: TagTransformer, photos: Photos, words: Words) -> list[str]:
    """Return a sentence for each photo of a set."""
    said: list[str] = []
    for first in range(0, len(photos.set), BATCH):
        rows = np.arange(first, min(first + BATCH, len(photos.set)))
        features = features_of(photos, rows, np.zeros_like(rows))
        said += caption_features(captioner, features, DECODING, words.vocabulary)
    return said


def truth(photos: PhotoSet, said: list[str]) -> tuple[float, float]:
    """Return CHAIRi and CHAIRs in percent, over the photos whose objects have boxes."""
    rows = [row for row, classes in enumerate(photos.boxed) if classes is not None]
    measured = chair(
        [photos.tokens[row] for row in rows],
        [tokenize(said[row]) for row in rows],
        boxed=[set(photos.boxed[row] or ()) for row in rows],
    )
    ((one, other),) = 100 * measured.combine(measured.statistics.sum(axis=0, keepdims=True))
    return float(one), float(other)
