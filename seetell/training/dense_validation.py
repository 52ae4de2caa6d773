"""How good a dense captioner is by now: boxes found, and phrases for them."""

from __future__ import annotations

import numpy as np
import torch

from seetell.captioning.dense import DenseCap
from seetell.language.decoding import Decoding
from seetell.language.vocabulary import Vocabulary
from seetell.photos.boxes import iou
from seetell.training.described_regions import CachedMaps, DescribedRegions
from seetell.training.validation import validation_loss

BATCH = 10
GREEDY = Decoding(method="greedy", max_words=10)


def validate(
    densecap: DenseCap, maps: CachedMaps, described: DescribedRegions, vocabulary: Vocabulary, *, max_words: int
) -> dict[str, float]:
    device = next(densecap.parameters()).device
    nats = words = 0.0
    scores, hits, total, recalled = [], [], 0, {50: 0, 100: 0}
    for start in range(0, len(maps), BATCH):
        rows = np.arange(start, min(start + BATCH, len(maps)))
        batch = [activation.to(device) for activation in maps.read(rows)]
        with torch.inference_mode():
            found = densecap.find(batch)
            features = densecap.describe(batch, [described.boxes[row].to(device) for row in rows])
        said = [list(region) for row in rows for region in described.phrases[row]]
        loss, count = validation_loss(densecap.captioner, features, said, max_words=max_words)
        nats, words = nats + loss, words + count
        for row, each in zip(rows, found, strict=True):
            true = described.boxes[row].numpy()
            total += len(true)
            overlap = iou(each.boxes.cpu().numpy()[:, None], true)
            used = np.zeros(len(true), bool)
            for score, over in zip(each.scores.tolist(), overlap, strict=True):
                over = np.where(used, 0, over)
                hit = over.max() >= 0.5
                if hit:
                    used[over.argmax()] = True
                scores.append(score)
                hits.append(hit)
            for most in recalled:
                recalled[most] += int((iou(each.proposals.cpu().numpy()[:most, None], true).max(0) >= 0.5).sum())
    order = np.argsort(-np.array(scores))
    right = np.cumsum(np.array(hits)[order])
    precision, recall = right / np.arange(1, len(right) + 1), right / total
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    points = np.linspace(0, 1, 101)
    ap = float(np.mean([precision[recall >= p].max(initial=0.0) for p in points]))
    return {
        "dense_mAP": ap - nats / words / 10,
        "AP@0.5": ap,
        "recall@50": recalled[50] / total,
        "recall@100": recalled[100] / total,
        "validation_loss": nats / words,
    }
