"""Word evidence: how much more likely the words of a sentence are in an image than in images in general.

Word detectors (Fang et al., "From Captions to Visual Concepts and Back", CVPR 2015) give the probability p(w|i) that a
caption of image i has word w. Taking words as independent, a sentence's pointwise mutual information with an image is

    Σ_{w in s} log p(w|i) / p(w)  +  Σ_{w not in s} log (1 − p(w|i)) / (1 − p(w)),

a product of a vector of the image with one of the sentence. It needs no training, and adds to an aligner what its
detectors have learnt from other text. Letters: ``B`` images, ``N`` sentences, ``T`` words, ``W`` detected words.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.language.similar_words import number_forms

SMOOTHING = 0.01
"""Added to probabilities, so that no word decides alone."""

SCALE, NORM = 0.1, 3.0
"""An image's evidence is multiplied by the first, and its vector filled up to the second length."""


class WordEvidence(nn.Module):
    """Vectors whose products are the pointwise mutual information of images and sentences.

    Args:
        words: ``W``.
        vocabulary_size: ``V``.
    """

    prior: Tensor
    numbers: Tensor

    def __init__(self, words: int, vocabulary_size: int) -> None:
        super().__init__()
        self.register_buffer("prior", torch.full((words,), 0.5))
        self.register_buffer("numbers", torch.full((vocabulary_size,), words))  # of none of the words

    def fit(self, probabilities: Tensor) -> None:
        """Measure how likely the words are in images in general, from ``(B, W)``."""
        self.prior.copy_(probabilities.mean(dim=0))

    def name(self, words: Sequence[str], vocabulary: Sequence[str]) -> None:
        """Find each word of a vocabulary, or its singular or plural, among the detected ones; others play no part."""
        numbers = {word: number for number, word in enumerate(words)}
        found = [
            next((numbers[form] for form in number_forms(word) if form in numbers), len(words)) for word in vocabulary
        ]
        self.numbers.copy_(torch.tensor(found))

    def of_images(self, probabilities: Tensor) -> Tensor:
        """Return the vectors of images, ``(B, W + 1)``, at most of length :data:`NORM`, from ``(B, W)``."""
        present, absent = (
            torch.log(of_image + SMOOTHING) - torch.log(in_general + SMOOTHING)
            for of_image, in_general in ((probabilities, self.prior), (1 - probabilities, 1 - self.prior))
        )
        evidence = SCALE * torch.cat([present - absent, absent.sum(dim=1, keepdim=True)], dim=1)
        longest = (NORM**2 - 1) ** 0.5
        shortened: Tensor = evidence * (longest / evidence.norm(dim=1, keepdim=True)).clamp(max=1)
        return shortened

    def of_sentences(self, tokens: Tensor, real: Tensor) -> Tensor:
        """Return the vectors of sentences, ``(N, W + 1)``.

        Args:
            tokens: word numbers, ``(N, T)`` int64.
            real: which of them are no padding, ``(N, T)`` bool.
        """
        words = len(self.prior)
        numbers = self.numbers[tokens].masked_fill(~real, words)
        has = F.one_hot(numbers, words + 1).amax(dim=1)[:, :words]
        return F.pad(has.to(self.prior.dtype), (0, 1), value=1.0) / SCALE


def fill_up(vectors: Tensor) -> Tensor:
    """Return vectors ``(B, H)`` with one more element, which makes all as long as :data:`NORM`, over that length.

    Products with vectors whose last element is 0 keep their order, and are cosines for an index (Bachrach et al.,
    "Speeding Up the Xbox Recommender System", RecSys 2014).
    """
    rest = (NORM**2 - vectors.square().sum(dim=1, keepdim=True)).clamp(min=0).sqrt()
    return torch.cat([vectors, rest], dim=1) / NORM
