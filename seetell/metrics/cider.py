"""CIDEr-D (Vedantam, Zitnick & Parikh 2015, "CIDEr: consensus-based image description evaluation", section 7).

A sentence becomes, for each order n from 1 to 4, a vector of its n-grams' counts times their rarity, the logarithm of
photos over photos whose references hold the n-gram (equation 1). The score is the mean over orders and references of
their cosine, in which the candidate's weight is clipped to the reference's, times a Gaussian penalty for different
lengths, times 10 (equation 7). As in coco-caption, the lengths compared are numbers of bigrams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import DataError
from seetell.metrics.ngrams import Floats, NGrams, NGramTable, Tokens, count_ngrams

_SIGMA = 6.0
_ORDERS = 4


@dataclass(frozen=True)
class DocumentFrequencies:
    """How common each n-gram is in a corpus, for scoring against a corpus other than the references at hand.

    Attributes:
        photos: how many photos the corpus has.
        counts: in how many photos' references an n-gram, of 1 to 4 words, stands at least once.
    """

    photos: int
    counts: Mapping[tuple[str, ...], int]

    def __post_init__(self) -> None:
        highest = max(self.counts.values(), default=0)
        if self.photos < max(1, highest):
            raise DataError(
                f"document frequencies: an n-gram cannot stand in {highest} of {self.photos} photos; "
                "expected at least one photo and no count above their number"
            )

    @classmethod
    def build(cls, references: Iterable[Sequence[Tokens]]) -> DocumentFrequencies:
        """Count over the references of a corpus.

        Args:
            references: the tokenised references of each photo.
        """
        counts: Counter[tuple[str, ...]] = Counter()
        photos = 0
        for sentences in references:
            photos += 1
            counts.update(
                {
                    tuple(tokens[start : start + order])
                    for tokens in sentences
                    for order in range(1, _ORDERS + 1)
                    for start in range(len(tokens) - order + 1)
                }
            )
        return cls(photos, counts)


def cider(
    references: Sequence[Sequence[Tokens]],
    candidates: Sequence[Tokens],
    *,
    frequencies: DocumentFrequencies | None = None,
) -> Floats:
    """Score candidates against references.

    Args:
        references: the tokenised references of each photo, at least one.
        candidates: the tokenised candidate of each photo; may be empty.
        frequencies: of another corpus; those of ``references`` when absent. One photo alone then scores 0, as all its
            n-grams stand in every photo.

    Returns:
        CIDEr-D of each photo, from 0 to 10, ``(P,)``; the corpus' score is their mean.

    Raises:
        DataError: the two do not agree in length, or a photo has no reference.
    """
    return cider_of(count_ngrams(references, candidates, max_order=_ORDERS), frequencies=frequencies)


def cider_of(ngrams: NGrams, *, frequencies: DocumentFrequencies | None = None) -> Floats:
    """Score from n-grams already counted; see ``cider``."""
    photos = len(ngrams.candidate_lengths)
    cosines = np.zeros(len(ngrams.reference_lengths))  # of each reference with its photo's candidate, summed over n
    for table in ngrams.tables:
        rarity = _rarity(table, ngrams, frequencies)
        cosines += _clipped_cosine(table, rarity, photos, len(cosines))
    candidate_bigrams = np.maximum(ngrams.candidate_lengths - 1, 0)[ngrams.reference_photos]
    difference = candidate_bigrams - np.maximum(ngrams.reference_lengths - 1, 0)
    similarity = cosines / len(ngrams.tables) * np.exp(-(difference**2) / (2 * _SIGMA**2))
    summed = np.bincount(ngrams.reference_photos, similarity, minlength=photos)
    scores: Floats = 10 * summed / np.bincount(ngrams.reference_photos, minlength=photos)
    return scores


def _rarity(table: NGramTable, ngrams: NGrams, frequencies: DocumentFrequencies | None) -> Floats:
    """Return the logarithm of photos over photos with the n-gram, for each n-gram, ``(table.size,)``."""
    if frequencies is None:
        photos = len(ngrams.candidate_lengths)
        pairs = np.sort(table.reference_photo * table.size + table.reference_gram)
        distinct = pairs[np.diff(pairs, prepend=-1) > 0]  # np.unique does the same more slowly
        counts = np.bincount(distinct % max(table.size, 1), minlength=table.size)
    else:
        photos = frequencies.photos
        spelled = (tuple(ngrams.vocabulary[number] for number in row) for row in table.words.tolist())
        counts = np.array([frequencies.counts.get(gram, 0) for gram in spelled], np.int64)
    rarity: Floats = np.log(float(photos)) - np.log(np.maximum(counts, 1.0))
    return rarity


def _clipped_cosine(table: NGramTable, rarity: Floats, photos: int, references: int) -> Floats:
    """Return the cosine of each reference with its photo's candidate, the latter clipped, ``(references,)``."""
    candidate = table.candidate_count * rarity[table.candidate_gram]
    reference = table.reference_count * rarity[table.reference_gram]
    candidate_norm = np.sqrt(np.bincount(table.candidate_photo, candidate**2, minlength=photos))
    reference_norm = np.sqrt(np.bincount(table.reference, reference**2, minlength=references))
    shared = table.match >= 0
    product = np.minimum(candidate[table.match[shared]], reference[shared]) * reference[shared]
    dot = np.bincount(table.reference[shared], product, minlength=references)
    norm = np.zeros(references)
    norm[table.reference] = candidate_norm[table.reference_photo] * reference_norm[table.reference]
    cosine: Floats = np.divide(dot, norm, out=np.zeros(references), where=norm > 0)
    return cosine
