"""Self-CIDEr (Wang & Chan 2019, "Describing like humans: on diversity in image captioning").

The captions of one photo, as CIDEr's tf-idf vectors, have a kernel: the cosine of each pair, mean over n-grams of 1 to
4 words. With its eigenvalues λ and r = max √λ / Σ √λ, the diversity of m captions is -log_m r: 0 if all are equal, 1 if
no two share an n-gram. The cosines are those of plain CIDEr, so the kernel has no negative eigenvalue; the authors'
released code uses those of CIDEr-D.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.metrics.frequencies import DocumentFrequencies, idf
from seetell.metrics.ngrams import Floats, Ints, NGramTable, Tokens, check_several, count_ngrams


def self_cider(captions: Sequence[Sequence[Tokens]], *, frequencies: DocumentFrequencies | None = None) -> Floats:
    """Return the diversity of each photo's captions, from 0 to 1, ``(P,)``; the corpus score is their mean.

    Args:
        captions: the tokenised captions of each photo, at least two.
        frequencies: document frequencies of another corpus, such as the references; those of ``captions`` by default.

    Raises:
        DataError: there is no photo, or one has fewer than two captions.
    """
    check_several(captions)
    ngrams = count_ngrams(captions, [()] * len(captions))
    counts = np.array([len(group) for group in captions])
    first = np.cumsum(counts) - counts
    kernels = [np.zeros((count, count)) for count in counts]
    for table in ngrams.tables:
        _add_cosines(kernels, first, table, idf(table, ngrams, frequencies))
    return np.array([_diversity(kernel) for kernel in kernels])


def _add_cosines(kernels: Sequence[Floats], first: Ints, table: NGramTable, idf_of: Floats) -> None:
    """Add the cosines of one order to the kernel of each photo, whose captions have indices from ``first``."""
    weights = table.reference_count * idf_of[table.reference_gram]
    norms = np.sqrt(np.bincount(table.reference, weights**2))[table.reference]
    weights = np.divide(weights, norms, out=np.zeros(len(weights)), where=norms > 0)
    bounds = np.searchsorted(table.reference_photo, np.arange(len(kernels) + 1))
    for photo, kernel in enumerate(kernels):
        here = slice(bounds[photo], bounds[photo + 1])
        grams, column = np.unique(table.reference_gram[here], return_inverse=True)
        vectors = np.zeros((len(kernel), len(grams)))
        vectors[table.reference[here] - first[photo], column] = weights[here]
        kernel += vectors @ vectors.T


def _diversity(kernel: Floats) -> float:
    """Return -log_m of the largest root eigenvalue's share; 0 for captions of zero weight."""
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(kernel), 0.0))
    if roots[-1] == 0:
        return 0.0
    return max(0.0, float(-np.log(roots[-1] / roots.sum()) / np.log(len(kernel))))
