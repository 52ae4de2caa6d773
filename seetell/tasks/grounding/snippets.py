"""Phrases of regions, inferred from captions of whole photos, to train a captioner of regions on.

Karpathy & Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image Descriptions", 2015: a trained aligner scores
every word with every region, a Markov random field joins neighbouring words of one region (section 3.1.4), and each
segment becomes the description of its region (section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.errors import CheckpointError
from seetell.geometry.boxes import Box, window_boxes
from seetell.language.phrases import segments, viterbi_decode
from seetell.language.tokenizer import tokenize
from seetell.photos import photo_size
from seetell.tasks.retrieval.tagging import read_tags
from seetell.tasks.retrieval.validation import sentence_tensors
from seetell.tasks.tagging import CachedTags
from seetell.training.features import unpack_features
from seetell.training.trained import Trained

_BATCH = 32


@dataclass(frozen=True)
class Snippet:
    """Some words of a caption and their region.

    Attributes:
        photo: the photo.
        box: the region, in pixels of the photo.
        words: the words, as tokens.
    """

    photo: PhotoRecord
    box: Box
    words: tuple[str, ...]


def check_aligner(trained: Trained) -> None:
    """Check that an aligner compares words with regions.

    Raises:
        CheckpointError: it compares whole photos only.
    """
    if "regions" not in trained.model.config.compared:
        raise CheckpointError(
            "the aligner compares whole photos only; expected one with retrieval.aligner.similarity: both"
        )


def infer_snippets(
    trained: Trained,
    cache: FeatureCache,
    photos: Sequence[PhotoRecord],
    *,
    beta: float,
    tags: CachedTags | None = None,
) -> Iterator[list[Snippet]]:
    """Divide the captions of photos into snippets.

    Args:
        trained: an aligner that compares words with regions.
        cache: of its encoder, with the grids of all the photos.
        photos: with their captions; words beyond the aligner's ``data.max_words`` are skipped.
        beta: the bonus β for neighbours of one region, in standard deviations of a caption's scores of words and
            regions.
        tags: of all the photos, for an aligner that reads them.

    Yields:
        The snippets of one photo after the other, in the order of its captions.

    Raises:
        CheckpointError: the aligner compares whole photos only.
    """
    check_aligner(trained)
    aligner, vocabulary, most = trained.model, trained.vocabulary, trained.config.data.max_words
    assert vocabulary is not None
    windows = window_boxes(trained.config.section.aligner.windows)
    records, rows = cache.open(), cache.rows([photo.path for photo in photos])
    for start in range(0, len(photos), _BATCH):
        batch = photos[start : start + _BATCH]
        captions = [tokenize(caption)[:most] for photo in batch for caption in photo.captions]
        owners = np.repeat(np.arange(len(batch)), [len(photo.captions) for photo in batch])
        tokens, lengths = sentence_tensors([vocabulary.encode(words) for words in captions], max_words=most)
        features = unpack_features(torch.from_numpy(records[rows[start : start + _BATCH], 0].astype(np.float32)))
        with torch.inference_mode():
            found_tags = (
                None if tags is None else read_tags(tags, [photo.path for photo in batch], 0, torch.device("cpu"))
            )
            regions = aligner.embed_photos(aligner.prepare(features, found_tags)).regions[:, : len(windows)]
            embedded = aligner.embed_sentences(tokens, lengths).words
            unary = (embedded @ regions[torch.from_numpy(owners)].transpose(1, 2)).numpy()  # (N, T, R)
        scaled = np.stack([scores / (scores[:n].std() + 1e-12) for scores, n in zip(unary, lengths, strict=True)])
        chosen = viterbi_decode(scaled, beta=beta, lengths=lengths.tolist())
        found: list[list[Snippet]] = [[] for _ in batch]
        for owner, words, scores, labels in zip(owners.tolist(), captions, scaled, chosen, strict=True):
            photo = batch[owner]
            sides = np.tile(photo_size(photo.path), 2)
            for segment in segments(scores[: len(words)], labels[: len(words)]) if words else ():
                x0, y0, x1, y1 = (windows[segment.region] * sides).tolist()
                found[owner].append(Snippet(photo, (x0, y0, x1, y1), tuple(words[segment.start : segment.stop])))
        yield from found
