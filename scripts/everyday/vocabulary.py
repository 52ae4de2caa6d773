"""The words of the everyday captioner, and those that are detected.

The vocabulary is the first captioner's, and the words that COCO's sentences use eight times or more. The 520 detected
words are the content words that captions use most (Fang et al., "From Captions to Visual Concepts and Back", 2015).
"""

from __future__ import annotations

import collections
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from corpus import Corpus

from seetell.language.phrases import FUNCTION_WORDS
from seetell.language.vocabulary import Vocabulary

MIN_COUNT = 8
DETECTED, DETECTED_MIN_COUNT = 520, 40
NEIGHBOURS = 5
_NOT_CONTENT = """
top front side next middle up close view picture photo image group couple bunch lot pair piece set row number way kind
shot the and with for from his her their its that this these those who which while are was has have had
some other another each both very all out down off over under into onto about around through across
along between behind near by at in on of to as is an it he she they them him there being been does doing
"""


@dataclass(frozen=True)
class Words:
    """What the captioner can say, and what is detected.

    Attributes:
        vocabulary: of the captioner.
        known: how many of its words the captioner knows before training, the first ones.
        detected: the detected words.
    """

    vocabulary: Vocabulary
    known: int
    detected: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus) -> Words:
        """Choose the words of a corpus."""
        own = corpus.start.vocabulary
        alone = collections.Counter(token for sentence in corpus.sentences for token in sentence)
        new = [
            word
            for word, count in alone.items()
            if count >= MIN_COUNT and word not in own.words and word.isascii() and any(map(str.isalpha, word))
        ]
        vocabulary = Vocabulary((*own.words, *sorted(new, key=lambda word: (-alone[word], word))), MIN_COUNT)
        flickr = [tokens for photo in corpus.sets["flickr_train"].tokens for tokens in photo]
        shown = collections.Counter(token for sentence in flickr for token in sentence)
        stop = FUNCTION_WORDS | {*_NOT_CONTENT.split()}
        shares = {
            word: alone[word] / max(1, len(corpus.sentences)) + shown[word] / max(1, len(flickr))
            for word in vocabulary.words
            if word.isalpha() and len(word) > 2 and word not in stop
        }
        frequent = sorted(shares, key=lambda word: -shares[word])[:DETECTED]
        counted = [word for word in frequent if max(alone[word], shown[word]) >= DETECTED_MIN_COUNT]
        return cls(vocabulary, len(own), tuple(counted or frequent))

    def save(self, work: Path) -> None:
        """Write ``vocabulary.json`` and ``detected.json``."""
        self.vocabulary.save(work / "vocabulary.json")
        content = {"known": self.known, "detected": self.detected}
        (work / "detected.json").write_text(json.dumps(content, indent=0) + "\n", "utf-8")

    @classmethod
    def load(cls, work: Path) -> Words:
        """Read what :meth:`save` wrote."""
        content = json.loads((work / "detected.json").read_text("utf-8"))
        return cls(Vocabulary.load(work / "vocabulary.json"), content["known"], tuple(content["detected"]))

    def neighbours(self, vectors: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the known words most like each new one, by the cosine of their vectors.

        Args:
            vectors: of words.

        Returns:
            Their numbers ``(M, 5)`` and weights ``(M, 5)``, rows of sum 1; words without a vector are like none.
        """
        size = len(next(iter(vectors.values()), "-"))
        table = np.array([vectors.get(word, np.zeros(size)) for word in self.vocabulary.words])
        table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
        cosines = table[self.known :] @ table[: self.known].T
        cosines[:, :3] = -1  # the specials
        nearest = np.argsort(-cosines, axis=1)[:, :NEIGHBOURS]
        weights = np.exp(8 * np.take_along_axis(cosines, nearest, axis=1))
        return nearest, weights / weights.sum(axis=1, keepdims=True)
