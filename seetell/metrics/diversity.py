"""How varied a set of captions is: what accuracy measures do not see, and what a bland captioner lacks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seetell.errors import DataError
from seetell.language.tokenizer import tokenize
from seetell.metrics.distinct import distinct_ngrams
from seetell.metrics.frequencies import DocumentFrequencies
from seetell.metrics.mbleu import mutual_bleu
from seetell.metrics.ngrams import Tokens
from seetell.metrics.self_cider import self_cider


@dataclass(frozen=True)
class PhotoDiversity:
    """How much several captions of one photo differ: means over the photos that have several.

    Attributes:
        photos: how many photos have several captions.
        div_1: share of distinct words among a photo's captions.
        div_2: distinct pairs of words over words.
        mbleu: mBLEU-4, from 0 (varied) to 1.
        self_cider: from 0 (all say the same) to 1.
    """

    photos: int
    div_1: float
    div_2: float
    mbleu: float
    self_cider: float


@dataclass(frozen=True)
class Diversity:
    """How varied a set of captions is. Captions are compared as tokens: case and punctuation do not count.

    Attributes:
        captions: how many there are.
        distinct: share of distinct captions.
        vocabulary: how many different words they use.
        mean_length: words of a caption.
        div_1: share of distinct words among all words.
        div_2: distinct pairs of words over all words.
        novel: share of captions that are not among the training captions; None without these.
        of_one_photo: how much captions of one photo differ; None where no photo has several.
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
    """Measure how varied captions are.

    Args:
        captions: one sentence of each photo, or several.
        training: the sentences that the captioner learned from, for ``novel``.
        frequencies: n-gram frequencies for self-CIDEr; those of ``captions`` when absent.

    Raises:
        DataError: there is no caption.

    Example:
        >>> said = measure_diversity({1: "A dog runs.", 2: "a dog runs"}, training=["A dog runs!", "A cat."])
        >>> said.distinct, said.vocabulary, said.novel
        (0.5, 3, 0.0)
    """
    tokenised = [
        [tokenize(sentence) for sentence in ([said] if isinstance(said, str) else said)] for said in captions.values()
    ]
    flat = [tokens for said in tokenised for tokens in said]
    if not flat:
        raise DataError("expected at least one caption to measure, got none")
    known = None if training is None else {tuple(tokenize(sentence)) for sentence in training}
    several = [said for said in tokenised if len(said) > 1]
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
    """Return the means over photos with several captions."""
    return PhotoDiversity(
        photos=len(captions),
        div_1=sum(distinct_ngrams(said, 1) for said in captions) / len(captions),
        div_2=sum(distinct_ngrams(said, 2) for said in captions) / len(captions),
        mbleu=float(mutual_bleu(captions)[:, 3].mean()),
        self_cider=float(self_cider(captions, frequencies=frequencies).mean()),
    )
