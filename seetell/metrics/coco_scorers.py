"""pycocoevalcap's tokenizer and scorers over seetell's metrics: same arguments, same return types, no Java."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seetell.errors import DataError
from seetell.language.tokenizer import tokenize
from seetell.metrics.bleu import bleu_of
from seetell.metrics.cider import cider_of
from seetell.metrics.ngrams import Floats, NGrams, count_ngrams
from seetell.metrics.rouge import rouge

Sentences = Mapping[Any, Sequence[str]]
Captions = Mapping[Any, Sequence[Mapping[str, Any]]]


class PTBTokenizer:
    """The Penn Treebank tokenizer, without punctuation."""

    def tokenize(self, captions_for_image: Captions) -> dict[Any, list[str]]:
        """Return ``{id: [words separated by single spaces, …]}`` for ``{id: [{"caption": sentence}, …]}``."""
        return {
            photo: [" ".join(tokenize(row["caption"])) for row in rows]
            for photo, rows in captions_for_image.items()
            if rows
        }


class Bleu:
    """BLEU-1 to BLEU-n."""

    def __init__(self, n: int = 4) -> None:
        self._n = n

    def compute_score(self, gts: Sentences, res: Sentences, verbose: int = 1) -> tuple[list[float], list[list[float]]]:
        """Return the n corpus scores, and for each n the photos' scores.

        Args:
            gts: tokenised references of each photo.
            res: one tokenised candidate in a list for each of the same photos.
            verbose: 1 prints the counts behind the scores, 0 prints nothing.

        Raises:
            DataError: the photos differ, or one has no reference or not exactly one candidate.
        """
        references, candidates = _matched(gts, res)
        scores = bleu_of(_count(references, candidates, self._n))
        if verbose > 0:
            totals = scores.statistics.sum(axis=0).astype(int).tolist()
            correct, guess, (length, reference_length) = totals[: self._n], totals[self._n : -2], totals[-2:]
            print({"testlen": length, "reflen": reference_length, "guess": guess, "correct": correct})
            print("ratio:", length / max(reference_length, 1))
        return scores.corpus.tolist(), scores.per_photo.T.tolist()

    def method(self) -> str:
        """Return the scorer's name."""
        return "Bleu"


class Rouge:
    """ROUGE-L."""

    def compute_score(self, gts: Sentences, res: Sentences) -> tuple[np.float64, Floats]:
        """Return the mean score and the photos' scores; see ``Bleu.compute_score``."""
        references, candidates = _matched(gts, res)
        scores = rouge(
            [[one.split(" ") for one in group] for group in references], [one.split(" ") for one in candidates]
        )
        return np.float64(scores.mean()), scores

    def method(self) -> str:
        """Return the scorer's name."""
        return "Rouge"


class Cider:
    """CIDEr-D with the document frequencies of the references.

    Args:
        test: has no effect, as in pycocoevalcap.
        refs: has no effect, as in pycocoevalcap.
        n: words of the longest n-gram.
        sigma: width of the length penalty.
    """

    def __init__(self, test: object = None, refs: object = None, n: int = 4, sigma: float = 6.0) -> None:
        self._n = n
        self._sigma = sigma

    def compute_score(self, gts: Sentences, res: Sentences) -> tuple[np.float64, Floats]:
        """Return the mean score and the photos' scores; see ``Bleu.compute_score``."""
        scores = cider_of(_count(*_matched(gts, res), self._n), sigma=self._sigma)
        return np.float64(scores.mean()), scores

    def method(self) -> str:
        """Return the scorer's name."""
        return "CIDEr"


class Meteor:
    """METEOR 1.5.

    Raises:
        SeetellError: its data is not installed.
    """

    def __init__(self) -> None:
        from seetell.metrics.meteor import Meteor as Scorer

        self._scorer = Scorer()

    def compute_score(self, gts: Sentences, res: Sentences) -> tuple[float, list[float]]:
        """Return the corpus score and the photos' scores; see ``Bleu.compute_score``."""
        references, candidates = _matched(gts, res)
        scores = self._scorer.score(
            [[one.split() for one in group] for group in references], [*map(str.split, candidates)]
        )
        return float(scores.corpus), scores.per_photo.tolist()

    def method(self) -> str:
        """Return the scorer's name."""
        return "METEOR"


def _matched(gts: Sentences, res: Sentences) -> tuple[list[Sequence[str]], list[str]]:
    """Return references and candidates of the same photos in the order of ``gts``."""
    unmatched = gts.keys() ^ res.keys()
    if unmatched:
        raise DataError(
            f"expected the same photos in gts and res; {len(unmatched)} are in one alone, such as "
            f"{sorted(unmatched, key=str)[:3]}"
        )
    for name, sentences in (("gts", gts), ("res", res)):
        for photo, group in sentences.items():
            if isinstance(group, str) or not group or not all(isinstance(sentence, str) for sentence in group):
                raise DataError(f"{name}[{photo!r}]: expected a list of tokenised sentences, got {group!r}")
    several = [photo for photo, group in res.items() if len(group) > 1]
    if several:
        raise DataError(f"expected one candidate for each photo; {len(several)} have more, such as {several[:3]}")
    return list(gts.values()), [res[photo][0] for photo in gts]


def _count(references: Sequence[Sequence[str]], candidates: Sequence[str], highest: int) -> NGrams:
    """Count the n-grams of sentences, up to ``highest`` words."""
    split = [[sentence.split() for sentence in group] for group in references]
    return count_ngrams(split, [sentence.split() for sentence in candidates], max_order=highest)
