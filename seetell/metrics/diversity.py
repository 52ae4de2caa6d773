"""Diversity of captions, which accuracy metrics do not capture: div-n, mBLEU, self-CIDEr, vocabulary, novelty.

Self-CIDEr is that of Wang & Chan 2019, "Describing like humans: on diversity in image captioning". The captions of one
photo, as CIDEr's tf-idf vectors, have a kernel: the cosine of each pair, mean over n-grams of 1 to 4 words. With its
eigenvalues λ and r = max √λ / Σ √λ, the diversity of m captions is -log_m r: 0 if all are equal, 1 if no two share an
n-gram. The cosines are those of plain CIDEr, so the kernel has no negative eigenvalue; the authors' released code uses
those of CIDEr-D.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seetell.errors import DataError
from seetell.language.tokenizer import tokenize
from seetell.metrics.bleu import bleu
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


@dataclass(frozen=True)
class PhotoDiversity:
    """Diversity among the captions of one photo: means over the photos that have several.

    Attributes:
        photos: number of photos with several captions.
        div_1: distinct words over words.
        div_2: distinct bigrams over words.
        mbleu: mBLEU-4, from 0 (varied) to 1.
        self_cider: from 0 (all equal) to 1.
    """

    photos: int
    div_1: float
    div_2: float
    mbleu: float
    self_cider: float


@dataclass(frozen=True)
class Diversity:
    """Diversity of a set of captions, compared as tokens: case and punctuation do not count.

    Attributes:
        captions: number of captions.
        distinct: share of distinct captions.
        vocabulary: number of distinct words.
        mean_length: mean number of words per caption.
        div_1: distinct words over words.
        div_2: distinct bigrams over words.
        novel: share of captions that are not among the training captions; ``None`` without these.
        of_one_photo: diversity among captions of one photo; ``None`` if no photo has several.
    """

    captions: int
    distinct: float
    vocabulary: int
    mean_length: float
    div_1: float
    div_2: float
    novel: float | None
    of_one_photo: PhotoDiversity | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)


def measure_diversity(
    captions: Mapping[Hashable, str | Sequence[str]],
    *,
    training: Iterable[str] | None = None,
    frequencies: DocumentFrequencies | None = None,
) -> Diversity:
    """Measure the diversity of captions.

    Args:
        captions: one or several captions of each photo.
        training: the captions that the captioner was trained on, for ``novel``.
        frequencies: document frequencies for self-CIDEr; those of ``captions`` by default.

    Raises:
        DataError: there is no caption.

    Example:
        >>> diversity = measure_diversity({1: "A dog runs.", 2: "a dog runs"}, training=["A dog runs!", "A cat."])
        >>> diversity.distinct, diversity.vocabulary, diversity.novel
        (0.5, 3, 0.0)
    """
    tokenised = [
        [tokenize(caption) for caption in ([group] if isinstance(group, str) else group)] for group in captions.values()
    ]
    flat = [tokens for group in tokenised for tokens in group]
    if not flat:
        raise DataError("expected at least one caption to measure, got none")
    known = None if training is None else {tuple(tokenize(sentence)) for sentence in training}
    several = [group for group in tokenised if len(group) > 1]
    return Diversity(
        captions=len(flat),
        distinct=len(set(map(tuple, flat))) / len(flat),
        vocabulary=len({word for tokens in flat for word in tokens}),
        mean_length=sum(map(len, flat)) / len(flat),
        div_1=distinct_ngrams(flat, 1),
        div_2=distinct_ngrams(flat, 2),
        novel=None if known is None else sum(tuple(tokens) not in known for tokens in flat) / len(flat),
        of_one_photo=_of_one_photo(several, frequencies) if several else None,
    )


def _of_one_photo(captions: Sequence[Sequence[Tokens]], frequencies: DocumentFrequencies | None) -> PhotoDiversity:
    return PhotoDiversity(
        photos=len(captions),
        div_1=sum(distinct_ngrams(group, 1) for group in captions) / len(captions),
        div_2=sum(distinct_ngrams(group, 2) for group in captions) / len(captions),
        mbleu=float(mutual_bleu(captions)[:, 3].mean()),
        self_cider=float(self_cider(captions, frequencies=frequencies).mean()),
    )


def distinct_ngrams(captions: Iterable[Tokens], order: int) -> float:
    """Return div-n, the number of distinct n-grams over the number of words, from 0 to 1; 0 where there is no word.

    From Li et al. 2016, "A diversity-promoting objective function for neural conversation models". As in the paper, the
    denominator is the number of words for every n. A large set has a lower div-n than a small one that is just as
    varied: compare sets of one size.

    Args:
        captions: the tokenised captions, of one or many photos.
        order: words of an n-gram, at least 1.

    Example:
        >>> distinct_ngrams([["a", "dog"], ["a", "cat"]], 1)  # a, dog and cat in four words
        0.75
    """
    seen: set[tuple[str, ...]] = set()
    words = 0
    for tokens in captions:
        words += len(tokens)
        seen.update(zip(*(tokens[start:] for start in range(order)), strict=False))
    return len(seen) / words if words else 0.0


def mutual_bleu(captions: Sequence[Sequence[Tokens]]) -> Floats:
    """Return mBLEU-1 … mBLEU-4 of each photo, from 0 (varied) to 1, ``(P, 4)``; the corpus score is their mean.

    From Shetty et al. 2017, "Speaking the same language": the BLEU of each caption against the other captions of its
    photo, mean over the captions.

    Args:
        captions: the tokenised captions of each photo, at least two.

    Raises:
        DataError: there is no photo, or one has fewer than two captions.
    """
    check_several(captions)
    others = [[*group[:index], *group[index + 1 :]] for group in captions for index in range(len(group))]
    scores = bleu(others, [tokens for group in captions for tokens in group]).per_photo
    counts = np.array([len(group) for group in captions])
    means: Floats = np.add.reduceat(scores, np.cumsum(counts) - counts, axis=0) / counts[:, None]
    return means
