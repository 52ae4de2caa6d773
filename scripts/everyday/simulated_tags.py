"""Tags for sentences without a photo: those of a photo that fits, changed to what the sentence says.

A sentence takes the tags of one of the eight photos whose tags fit it best. What the sentence, or another of the same
photo, mentions and the photo lacks is added with scores that detectors have given to things that were mentioned; some
of what no sentence mentions is taken away. So the captioner learns to say what is tagged in the words of many
sentences, with tags that err as real ones do.
"""

from __future__ import annotations

import numpy as np
import torch
from make_features import Photos
from mentions import Mentions
from torch import Tensor

from seetell.nn.backbones import Tags

FITTING = 8
CHUNK = 2000
MISSING_SCORE, SEEN_SCORE = 0.35, 0.3
"""An object is missing below the one, and seen above the other."""
MENTIONED_SCORE = 0.25
"""Least score of objects that were mentioned, to draw scores from."""
REMOVED = 0.5
"""Share of the objects seen that no sentence mentions, which are weakened."""
INSERTED_WORDS = 0.9
MISSING_WORD, SEEN_WORD, LEAST_WORD = 0.15, 0.2, 0.02


class SimulatedTags:
    """Tags for the sentences of a corpus.

    Args:
        mentions: of the sentences.
        labelled: photos with a caption, from which scores of mentioned things are drawn.
        unlabelled: further photos whose tags are taken.
    """

    def __init__(self, mentions: Mentions, labelled: Photos, unlabelled: Photos) -> None:
        self._mentions, self._sources = mentions, (labelled, unlabelled)
        self.device = labelled.device
        pairs = (
            (labelled.set.objects, unlabelled.set.objects),
            (labelled.set.object_boxes, unlabelled.set.object_boxes),
        )
        self._objects, self._boxes = (np.concatenate(pair) for pair in pairs)
        self._words = np.concatenate([labelled.words, unlabelled.words])
        self._presence = np.concatenate([labelled.presence, unlabelled.presence])
        objects, words = (each.numpy() for each in mentions.by_photo())
        self._objects_said = objects[mentions.owners] > 0  # by any sentence of the same photo
        self._words_said = words[mentions.owners] > 0
        objects, words = mentions.of_photos(labelled.set)
        scores, boxes = labelled.set.objects[:, 0], labelled.set.object_boxes[:, 0]
        drawn = objects & (scores >= MENTIONED_SCORE)
        self._drawn_scores, self._drawn_boxes = scores[drawn], boxes[drawn]
        probabilities = labelled.words[:, 0][words]
        self._drawn_words = probabilities[probabilities >= LEAST_WORD]
        self._having = [np.flatnonzero(column) for column in (self._objects[:, 0] >= SEEN_SCORE).T]
        self._fitting = self._best_photos()

    def _best_photos(self) -> np.ndarray:
        """Return the photos whose tags fit each sentence best, ``(S, FITTING)``, rare things counting more."""
        mentions, count = self._mentions, len(self._mentions.objects)
        rare_objects = np.log(count / (mentions.objects.sum(axis=0) + 20))
        rare_words = np.log(count / (mentions.words.sum(axis=0) + 20))
        scores, words = self._objects[:, 0], np.sqrt(self._words[:, 0])
        seen, sure = np.clip((scores - 0.2) / 0.4, 0, 1), np.clip((scores - 0.4) / 0.3, 0, 1)
        fitting = min(FITTING, len(scores))
        best = np.zeros((count, fitting), np.int32)
        for first in range(0, count, CHUNK):
            rows = slice(first, first + CHUNK)
            said, unsaid = mentions.objects[rows] * rare_objects, ~mentions.objects[rows] * rare_objects
            fits = said @ seen.T + 0.6 * (mentions.words[rows] * rare_words) @ words.T - 0.5 * unsaid @ sure.T
            best[rows] = np.argpartition(-fits, fitting - 1, axis=1)[:, :fitting]
        return best

    def draw(self, sentences: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Tags]:
        """Make tags for sentences.

        Args:
            sentences: their numbers, ``(B,)``.
            random: of what is drawn.

        Returns:
            The photos that they come from and the views, ``(B,)`` each, and the tags.
        """
        photos = self._fitting[sentences, random.integers(self._fitting.shape[1], size=len(sentences))]
        views = random.integers(2, size=len(sentences))
        objects, boxes, words, presence = (
            part[photos, views] for part in (self._objects, self._boxes, self._words, self._presence)
        )
        for row, sentence in enumerate(sentences):
            self._change_objects(objects[row], boxes[row], sentence, random)
            self._change_words(words[row], self._words_said[sentence], random)
        tags = (torch.from_numpy(part).to(self.device) for part in (objects, boxes, words, presence))
        return photos, views, Tags(*tags)

    def grids(self, photos: np.ndarray, views: np.ndarray) -> Tensor:
        """Return the grids of photos that :meth:`draw` chose."""
        first = len(self._sources[0].set)
        rows = [
            source.grids(np.array([photo - first * number]), np.array([view]))
            for photo, view in zip(photos, views, strict=True)
            for number, source in [(int(photo >= first), self._sources[int(photo >= first)])]
        ]
        return torch.cat(rows)

    def _change_objects(
        self, scores: np.ndarray, boxes: np.ndarray, sentence: int, random: np.random.Generator
    ) -> None:
        said, counts = self._objects_said[sentence], self._mentions.counts[sentence]
        missing = said & (scores < MISSING_SCORE) & (len(self._drawn_scores) > 0)
        for number in np.flatnonzero(missing):
            drawn = random.integers(len(self._drawn_scores))
            having = self._having[number]
            box = self._boxes[random.choice(having), 0, number] if len(having) else self._drawn_boxes[drawn]
            scores[number] = max(self._drawn_scores[drawn], scores[number])
            boxes[number] = [*box[:4], max(counts[number], 1)]
        unsaid = ~said & (scores > SEEN_SCORE) & (random.random(len(scores)) < REMOVED)
        scores[unsaid] *= 0.5 * random.random(unsaid.sum())

    def _change_words(self, words: np.ndarray, said: np.ndarray, random: np.random.Generator) -> None:
        added = said & (words < MISSING_WORD) & (random.random(len(words)) < INSERTED_WORDS)
        words[added] = np.maximum(words[added], random.choice(self._drawn_words, added.sum()))
        words[~said & (words > SEEN_WORD) & (random.random(len(words)) < REMOVED)] *= 0.4
