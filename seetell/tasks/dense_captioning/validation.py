"""Validation of dense captioners: average precision and recall of regions with phrases."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from seetell.errors import DataError
from seetell.language.decoding import Decoding
from seetell.language.phrases import word_mask
from seetell.language.vocabulary import Vocabulary
from seetell.metrics.dense import dense_average_precision
from seetell.metrics.meteor import Meteor
from seetell.results import Region
from seetell.tasks.captioning.validation import ranked_hypotheses, validation_loss
from seetell.tasks.dense_captioning.model import DenseCap
from seetell.tasks.dense_captioning.phrases import FUNCTION_WORDS, PRONOUNS, choose
from seetell.tasks.dense_captioning.region_targets import RegionTargets
from seetell.training.feature_maps import MapSource

BATCH = 10


def validate(
    densecap: DenseCap,
    source: MapSource,
    targets: RegionTargets,
    vocabulary: Vocabulary,
    *,
    decoding: Decoding,
    max_words: int,
    temperature: float,
) -> dict[str, float]:
    """Detect and describe the regions of photos, and score them.

    Args:
        densecap: in evaluation mode.
        source: gives maps of the photos.
        targets: the photos and their true regions.
        vocabulary: the captioner's.
        decoding: how phrases are searched.
        max_words: longer reference phrases are cut.
        temperature: of the choice among the phrases found.

    Returns:
        ``dense_mAP``, where METEOR is installed, and ``detection_mAP``, see :mod:`seetell.metrics.dense`; the recall of
        true regions at an overlap of half among the first 50 and 100 proposals, as ``recall@50`` and ``recall@100``;
        and ``validation_loss``, of the reference phrases of the true boxes, in nats per word.
    """
    truth = {photo.id: photo.regions for photo in targets.photos}
    detected, proposed = {}, {}
    nats, words = 0.0, 0
    pronouns = np.flatnonzero(word_mask(vocabulary.words, PRONOUNS)).tolist()
    function_words = word_mask(vocabulary.words, FUNCTION_WORDS)
    device = next(densecap.parameters()).device
    for start in range(0, len(targets.photos), BATCH):
        rows = np.arange(start, min(start + BATCH, len(targets.photos)))
        with torch.inference_mode():
            batch = source.maps([each.to(device) for each in source.read(rows)])
            detections = densecap.detect(batch)
            features = densecap.describe(batch, [targets.boxes[row].to(device) for row in rows])
        references = [list(region) for row in rows for region in targets.phrases[row]]
        loss, count = validation_loss(densecap.captioner, features, references, max_words=max_words)
        nats, words = nats + loss, words + count
        for row, each in zip(rows, detections, strict=True):
            photo = targets.photos[row]
            scale = np.tile(photo.size / np.array(densecap.regions.image_size[::-1]), 2)
            ranked = ranked_hypotheses(densecap.captioner, each.features, decoding, forbidden=pronouns)
            chosen = [one.hypothesis for one in choose(ranked, function_words, temperature=temperature)]
            phrases = [" ".join(vocabulary.decode(one.tokens)) for one in chosen]
            confidences = [math.exp(densecap.config.caption_confidence_weight * one.mean_logprob) for one in chosen]
            detected[photo.id] = _regions(
                each.boxes, phrases, (each.scores.numpy(force=True) * confidences).tolist(), scale
            )
            order = np.linspace(1.0, 0.0, len(each.proposals)).tolist()
            proposed[photo.id] = _regions(each.proposals, [""] * len(order), order, scale)
    try:
        scores = dense_average_precision(truth, detected, meteor=Meteor())
    except DataError:  # without METEOR's files the boxes alone are scored
        scores = dense_average_precision(truth, detected, phrases=False)
    recall = dense_average_precision(truth, proposed, phrases=False).recall
    return {
        **({} if scores.mean_ap is None else {"dense_mAP": scores.mean_ap}),
        "detection_mAP": scores.detection_ap,
        "recall@50": recall[50].at_half,
        "recall@100": recall[100].at_half,
        "validation_loss": nats / words,
    }


def _regions(boxes: Tensor, phrases: list[str], scores: list[float], scale: np.ndarray) -> list[Region]:
    """Return regions with boxes scaled to the photo's pixels, without those that have no area."""
    placed = boxes.cpu().numpy().astype(np.float64) * scale
    return [
        Region(phrase, (left, top, right, bottom), score)
        for (left, top, right, bottom), phrase, score in zip(placed.tolist(), phrases, scores, strict=True)
        if left < right and top < bottom
    ]
