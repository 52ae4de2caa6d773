"""All scores of a set of captions at once, from sentences as people and models write them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from seetell.errors import DataError
from seetell.language.tokenizer import tokenize
from seetell.metrics.bleu import bleu_of
from seetell.metrics.cider import DocumentFrequencies, cider_of
from seetell.metrics.ngrams import count_ngrams
from seetell.metrics.rouge import rouge

NAMES = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")

PhotoId = TypeVar("PhotoId", bound=Hashable)


@dataclass(frozen=True)
class Scores:
    """Scores under coco-caption's names: ``Bleu_1`` … ``Bleu_4``, ``ROUGE_L`` from 0 to 1, ``CIDEr`` from 0 to 10.

    Attributes:
        corpus: of all photos together.
        per_photo: of each photo by its id. The corpus' BLEU is not the mean of the photos'.
    """

    corpus: dict[str, float]
    per_photo: dict[Hashable, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"corpus": self.corpus, "per_photo": {str(photo): row for photo, row in self.per_photo.items()}}


def score_captions(
    references: Mapping[PhotoId, Sequence[str]],
    candidates: Mapping[PhotoId, str],
    *,
    frequencies: DocumentFrequencies | None = None,
) -> Scores:
    """Score one sentence for each photo against what people said of it.

    Args:
        references: the sentences people wrote of each photo, at least one.
        candidates: the sentence to score of each of the same photos; may be empty.
        frequencies: n-gram frequencies of another corpus for CIDEr; those of ``references`` when absent.

    Raises:
        DataError: there is no photo, the photos are not the same, or one has no reference.

    Example:
        >>> scores = score_captions({1: ["A dog runs."], 2: ["A cat."]}, {1: "a dog runs", 2: "a cat"})
        >>> round(scores.corpus["Bleu_1"], 6)
        1.0
    """
    without_candidate = [photo for photo in references if photo not in candidates]
    without_reference = [photo for photo in candidates if not references.get(photo)]
    for photos, lacking in ((without_candidate, "candidate"), (without_reference, "reference")):
        if photos:
            raise DataError(
                f"expected a {lacking} for each photo; {len(photos)} have none, such as {photos[:3]}; "
                "score the same photos on both sides"
            )
    tokenised = [[tokenize(sentence) for sentence in references[photo]] for photo in candidates]
    said = [tokenize(sentence) for sentence in candidates.values()]
    ngrams = count_ngrams(tokenised, said)
    bleus = bleu_of(ngrams)
    rouges = rouge(tokenised, said)
    ciders = cider_of(ngrams, frequencies=frequencies)
    corpus = [*bleus.corpus.tolist(), float(rouges.mean()), float(ciders.mean())]
    rows = zip(candidates, bleus.per_photo.tolist(), rouges.tolist(), ciders.tolist(), strict=True)
    return Scores(
        corpus=dict(zip(NAMES, corpus, strict=True)),
        per_photo={photo: dict(zip(NAMES, [*b, r, c], strict=True)) for photo, b, r, c in rows},
    )
