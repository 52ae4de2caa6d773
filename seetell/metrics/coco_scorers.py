"""pycocoevalcap's tokenizer and scorers over seetell's measures: same arguments, same types back, no Java."""

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
    """The Penn Treebank tokenizer, punctuation removed."""

    def tokenize(self, captions_for_image: Captions) -> dict[Any, list[str]]:
        """Return ``{id: [words between single spaces, …]}`` of ``{id: [{"caption": sentence}, …]}``."""
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
        """Return the n scores of the corpus, and of each n those of the photos.

        Args:
            gts: tokenised references of each photo.
            res: one tokenised candidate in a list for each of the same photos.
            verbose: 1 prints the counts that the scores follow from, 0 prints nothing.

        Raises:
            DataError: the photos are not the same, or one has no reference or not one candidate.
        """
        references, candidates = _matched(gts, res)
        scores = bleu_of(_counted(references, candidates, self._n))
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
        """Return the mean score and those of the photos; see ``Bleu.compute_score``."""
        references, candidates = _matched(gts, res)
        scores = rouge(
            [[one.split(" ") for one in said] for said in references], [one.split(" ") for one in candidates]
        )
        return np.float64(scores.mean()), scores

    def method(self) -> str:
        """Return the scorer's name."""
        return "Rouge"


class Cider:
    """CIDEr-D over the references at hand.

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
        """Return the mean score and those of the photos; see ``Bleu.compute_score``."""
        scores = cider_of(_counted(*_matched(gts, res), self._n), sigma=self._sigma)
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
        """Return the score of the corpus and those of the photos; see ``Bleu.compute_score``."""
        references, candidates = _matched(gts, res)
        scores = self._scorer.score(
            [[one.split() for one in said] for said in references], [*map(str.split, candidates)]
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
        for photo, said in sentences.items():
            if isinstance(said, str) or not said or not all(isinstance(sentence, str) for sentence in said):
                raise DataError(f"{name}[{photo!r}]: expected a list of tokenised sentences, got {said!r}")
    several = [photo for photo, said in res.items() if len(said) > 1]
    if several:
        raise DataError(f"expected one candidate for each photo; {len(several)} have more, such as {several[:3]}")
    return list(gts.values()), [res[photo][0] for photo in gts]


def _counted(references: Sequence[Sequence[str]], candidates: Sequence[str], highest: int) -> NGrams:
    """Count the n-grams of sentences, up to so many words."""
    split = [[sentence.split() for sentence in said] for said in references]
    return count_ngrams(split, [sentence.split() for sentence in candidates], max_order=highest)
