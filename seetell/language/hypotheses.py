"""Sentences being written word by word, many photos at a time: what every decoding method works on.

Letters: ``B`` photos, ``N`` rows (unfinished sentences of all photos together), ``T`` words so far, ``V`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import SeetellError

State = tuple[np.ndarray, ...]
"""What a decoder remembers between words; every array's leading axis counts the rows."""

Step = Callable[[np.ndarray, State], tuple[np.ndarray, State]]
"""Takes the last words ``(N,)`` int64 and the state; gives log-probabilities ``(N, V)`` and the next state."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished sentence.

    Attributes:
        tokens: the words' numbers, without END.
        logprobs: of each word, under the model.
        logprob: of the whole sentence, ending included; minus infinity if it could not end where it was cut.
        score: what sentences of different lengths are compared by, higher is better.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    logprob: float
    score: float


@dataclass(frozen=True)
class Unfinished:
    """Sentences of equal length, one a row; those of one photo are neighbours.

    Attributes:
        image: ``(N,)`` whose photo the row is, rising.
        tokens: ``(N, T)`` words so far.
        logprobs: ``(N, T)`` float64, theirs.
    """

    image: np.ndarray
    tokens: np.ndarray
    logprobs: np.ndarray

    @classmethod
    def begin(cls, images: int) -> Unfinished:
        """Return one empty sentence a photo."""
        return cls(np.arange(images), np.zeros((images, 0), np.int64), np.zeros((images, 0)))

    def __len__(self) -> int:
        return len(self.image)

    @property
    def words(self) -> int:
        """How many words each sentence has."""
        return int(self.tokens.shape[1])

    def totals(self) -> np.ndarray:
        """Return each sentence's log-probability so far, ``(N,)`` float64."""
        total: np.ndarray = self.logprobs.sum(axis=1)
        return total

    def grow(self, rows: np.ndarray, tokens: np.ndarray, logprobs: np.ndarray) -> Unfinished:
        """Return the given rows, each with one word more.

        Args:
            rows: ``(M,)`` which sentences go on, a row as often as it has continuations.
            tokens: ``(M,)`` the words added.
            logprobs: ``(M,)`` theirs.
        """
        return Unfinished(
            self.image[rows],
            np.concatenate([self.tokens[rows], tokens[:, None]], axis=1),  # (M, T + 1)
            np.concatenate([self.logprobs[rows], logprobs[:, None]], axis=1),
        )

    def finish(self, row: int, end_logprob: float, length_penalty: float) -> Hypothesis:
        """End one sentence; its score is ``logprob / length ** length_penalty``, END counting as a word.

        The normalisation by length is that of Graves 2012, generalised to a power: 0 compares the
        log-probabilities themselves, 1 their mean per word.
        """
        logprobs = self.logprobs[row].tolist()
        logprob = sum(logprobs) + end_logprob
        score = logprob / (len(logprobs) + 1) ** length_penalty
        return Hypothesis(tuple(self.tokens[row].tolist()), tuple(logprobs), logprob, score)


def permitted(
    logprobs: np.ndarray, sentences: Unfinished, *, forbidden: Sequence[int], block_ngrams: int
) -> np.ndarray:
    """Take the words that must not come next out of the running.

    Args:
        logprobs: ``(N, V)`` under the model.
        sentences: the ``N`` rows they continue.
        forbidden: words that never may be said.
        block_ngrams: words that would complete an n-gram of this size for the second time within their
            sentence are barred; 0 bars none.

    Returns:
        A copy ``(N, V)`` with minus infinity for barred words and the others as they were.

    Raises:
        SeetellError: a log-probability is NaN.
    """
    allowed = np.array(logprobs)
    if np.isnan(allowed).any():
        raise SeetellError(
            "the captioner gave probabilities that are not numbers (NaN): its training diverged or its file is damaged"
        )
    allowed[:, list(forbidden)] = -np.inf
    if block_ngrams and sentences.words >= block_ngrams:
        before = block_ngrams - 1
        starts = sentences.words - before  # an n-gram begins at each of these positions
        seen = np.ones((len(sentences), starts), dtype=bool)
        for offset in range(before):  # does it begin with the sentence's last n - 1 words?
            last = sentences.tokens[:, starts + offset, None]  # (N, 1)
            seen &= sentences.tokens[:, offset : offset + starts] == last
        rows, positions = np.nonzero(seen)
        allowed[rows, sentences.tokens[rows, positions + before]] = -np.inf
    return allowed
