"""CIDEr-D and plain CIDEr (Vedantam, Zitnick & Parikh 2015, "CIDEr: consensus-based image description evaluation").

For each order n from 1 to 4, a sentence is a vector of its n-grams' tf-idf: their counts times the logarithm of the
number of photos over the number of photos whose references contain the n-gram (equation 1). Plain CIDEr is the mean
over orders and references of their cosine (equations 2 and 3). CIDEr-D (section 7, equation 7) clips the candidate's
weights to the reference's in the product and multiplies by a Gaussian penalty for different lengths, so that repeating
rare words does not pay. Both are multiplied by 10. As in coco-caption, lengths are compared in bigrams, and words are
not stemmed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.metrics.frequencies import ORDERS, DocumentFrequencies, idf
from seetell.metrics.ngrams import Floats, NGrams, NGramTable, Tokens, count_ngrams

SIGMA = 6.0


def cider(
    references: Sequence[Sequence[Tokens]],
    candidates: Sequence[Tokens],
    *,
    frequencies: DocumentFrequencies | None = None,
    plain: bool = False,
) -> Floats:
    """Score candidates against references by CIDEr-D.

    Args:
        references: the tokenised references of each photo, at least one.
        candidates: the tokenised candidate of each photo; may be empty.
        frequencies: document frequencies of another corpus; those of ``references`` by default. A single photo then
            scores 0, as all its n-grams occur in every photo.
        plain: score by CIDEr without clipping and length penalty instead.

    Returns:
        CIDEr-D of each photo, from 0 to 10, ``(P,)``; the corpus score is their mean.

    Raises:
        DataError: the two differ in length, or a photo has no reference.
    """
    ngrams = count_ngrams(references, candidates, max_order=ORDERS)
    return (plain_cider_of if plain else cider_of)(ngrams, frequencies=frequencies)


def cider_of(ngrams: NGrams, *, frequencies: DocumentFrequencies | None = None, sigma: float = SIGMA) -> Floats:
    """Score counted n-grams by CIDEr-D; see ``cider``.

    Args:
        ngrams: n-grams of references and candidates.
        frequencies: document frequencies of another corpus; those of the references by default.
        sigma: width of the length penalty, in bigrams.
    """
    candidate_bigrams = np.maximum(ngrams.candidate_lengths - 1, 0)[ngrams.reference_photos]
    difference = candidate_bigrams - np.maximum(ngrams.reference_lengths - 1, 0)
    cosines = _cosines(ngrams, frequencies, clipped=True)
    return _mean_over_references(cosines * np.exp(-(difference**2) / (2 * sigma**2)), ngrams)


def plain_cider_of(ngrams: NGrams, *, frequencies: DocumentFrequencies | None = None) -> Floats:
    """Score counted n-grams by plain CIDEr; see ``cider``."""
    return _mean_over_references(_cosines(ngrams, frequencies, clipped=False), ngrams)


def _mean_over_references(similarities: Floats, ngrams: NGrams) -> Floats:
    """Return ten times the mean over each photo's references, ``(P,)``."""
    photos = len(ngrams.candidate_lengths)
    summed = np.bincount(ngrams.reference_photos, similarities, minlength=photos)
    scores: Floats = 10 * summed / np.bincount(ngrams.reference_photos, minlength=photos)
    return scores


def _cosines(ngrams: NGrams, frequencies: DocumentFrequencies | None, *, clipped: bool) -> Floats:
    """Return the cosine of each reference with its photo's candidate, mean over orders, ``(references,)``."""
    cosines = np.zeros(len(ngrams.reference_lengths))
    for table in ngrams.tables:
        weights = idf(table, ngrams, frequencies)
        cosines += _cosine(table, weights, len(ngrams.candidate_lengths), len(cosines), clipped=clipped)
    return cosines / len(ngrams.tables)


def _cosine(table: NGramTable, weights: Floats, photos: int, references: int, *, clipped: bool) -> Floats:
    """Return the cosine of each reference with its photo's candidate in one order, ``(references,)``."""
    candidate = table.candidate_count * weights[table.candidate_gram]
    reference = table.reference_count * weights[table.reference_gram]
    candidate_norm = np.sqrt(np.bincount(table.candidate_photo, candidate**2, minlength=photos))
    reference_norm = np.sqrt(np.bincount(table.reference, reference**2, minlength=references))
    shared = table.match >= 0
    in_reference, in_candidate = reference[shared], candidate[table.match[shared]]
    product = (np.minimum(in_candidate, in_reference) if clipped else in_candidate) * in_reference
    dot = np.bincount(table.reference[shared], product, minlength=references)
    norm = np.zeros(references)
    norm[table.reference] = candidate_norm[table.reference_photo] * reference_norm[table.reference]
    cosine: Floats = np.divide(dot, norm, out=np.zeros(references), where=norm > 0)
    return cosine
