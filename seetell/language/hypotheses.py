"""Partial sentences decoded word by word, for many images at a time: the loop of every decoding method.

Letters: ``B`` images, ``N`` rows (beams of all images together), ``T`` words so far, ``V`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import SeetellError

State = tuple[np.ndarray, ...]
"""A decoder's state between words; the leading axis of every array is ``N``."""

Step = Callable[[np.ndarray, State], tuple[np.ndarray, State]]
"""Takes the last words ``(N,)`` int64 and the state; returns log-probabilities ``(N, V)`` and the next state."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished sentence.

    Attributes:
        tokens: word ids, without END.
        logprobs: log-probability of each word under the model, less the word's penalty if the search had any.
        logprob: of the whole sentence including END; minus infinity if it could not end where it was cut.
        score: length-normalised ``logprob``; higher is better.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    logprob: float
    score: float

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of the words and END."""
        return self.logprob / (len(self.tokens) + 1)


@dataclass(frozen=True)
class Beams:
    """Unfinished sentences of equal length, one per row; those of one image are neighbours.

    Attributes:
        image: ``(N,)`` index of each row's image, ascending.
        tokens: ``(N, T)`` words so far.
        logprobs: ``(N, T)`` float64, their log-probabilities.
    """

    image: np.ndarray
    tokens: np.ndarray
    logprobs: np.ndarray

    @classmethod
    def begin(cls, images: int) -> Beams:
        """Return one empty sentence per image."""
        return cls(np.arange(images), np.zeros((images, 0), np.int64), np.zeros((images, 0)))

    def __len__(self) -> int:
        return len(self.image)

    @property
    def words(self) -> int:
        """Number of words in each sentence."""
        return int(self.tokens.shape[1])

    def totals(self) -> np.ndarray:
        """Return each sentence's log-probability so far, ``(N,)`` float64."""
        total: np.ndarray = self.logprobs.sum(axis=1)
        return total

    def extend(self, rows: np.ndarray, tokens: np.ndarray, logprobs: np.ndarray) -> Beams:
        """Return the given rows, each extended by one word.

        Args:
            rows: ``(M,)`` indices of the continued sentences; a row appears once per continuation.
            tokens: ``(M,)`` the words added.
            logprobs: ``(M,)`` their log-probabilities.
        """
        return Beams(
            self.image[rows],
            np.concatenate([self.tokens[rows], tokens[:, None]], axis=1),  # (M, T + 1)
            np.concatenate([self.logprobs[rows], logprobs[:, None]], axis=1),
        )

    def finish(self, row: int, end_logprob: float, length_penalty: float) -> Hypothesis:
        """End one sentence; its score is ``logprob / length ** length_penalty``, where END counts as a word.

        The normalisation by length is that of Graves 2012, generalised to a power: 0 compares the
        log-probabilities themselves, 1 their mean per word.
        """
        logprobs = self.logprobs[row].tolist()
        logprob = sum(logprobs) + end_logprob
        score = logprob / (len(logprobs) + 1) ** length_penalty
        return Hypothesis(tuple(self.tokens[row].tolist()), tuple(logprobs), logprob, score)


Penalty = Callable[[Beams], np.ndarray]
"""Takes ``N`` sentences so far; returns what is subtracted from the log-probabilities of the next words, ``(N, V)``."""


@dataclass(frozen=True)
class Limits:
    """Limits on generated sentences; see :class:`~seetell.language.decoding.Decoding` and ``decode``."""

    max_words: int
    length_penalty: float
    no_repeat_ngram_size: int
    start: int
    end: int
    suppressed_tokens: Sequence[int]
    bad_endings: np.ndarray | None = None
    """``(V,)`` bool by word id, as is ``said_once``."""
    said_once: np.ndarray | None = None
    penalty: Penalty | None = None


Choose = Callable[[Beams, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Takes the ``N`` beams and masked log-probabilities ``(N, V)``; returns rows continued, words added and their finite
log-probabilities, ``(M,)`` each, those of one image being neighbours."""


def generate(step: Step, state: State, choose: Choose, limits: Limits) -> list[list[Hypothesis]]:
    """Generate sentences word by word.

    Sentences that end leave the batch, as do those that could not beat their image's best finished sentence even if all
    their remaining words were certain. An image without live beams is done. A sentence of ``max_words`` words must end
    there, and its score includes the probability of that.

    Args:
        step: advances by one word.
        state: the decoder's state before the first word, one row per image.
        choose: chooses the continuations.
        limits: limits on the sentences.

    Returns:
        For each image its finished sentences, at least one.
    """
    images = len(state[0])
    finished: list[list[Hypothesis]] = [[] for _ in range(images)]
    best = np.full(images, -np.inf)
    live, last = Beams.begin(images), np.full(images, limits.start, np.int64)
    while len(live):
        logprobs, state = step(last, state)
        allowed = mask_logprobs(logprobs, live, limits)
        if live.words == limits.max_words:
            for row, image in enumerate(live.image):
                finished[image].append(live.finish(row, float(allowed[row, limits.end]), limits.length_penalty))
            break
        rows, last, gained = choose(live, allowed)
        for stuck in np.flatnonzero(~np.isin(live.image, live.image[rows])):  # nothing may follow, not even END
            finished[live.image[stuck]].append(live.finish(int(stuck), -np.inf, limits.length_penalty))
        ends = last == limits.end
        for row, logprob in zip(rows[ends], gained[ends], strict=True):
            hypothesis = live.finish(int(row), float(logprob), limits.length_penalty)
            finished[live.image[row]].append(hypothesis)
            best[live.image[row]] = max(best[live.image[row]], hypothesis.score)
        reachable = (live.totals()[rows] + gained) / (limits.max_words + 1) ** limits.length_penalty
        unfinished = ~ends & (reachable > best[live.image[rows]])
        rows, last = rows[unfinished], last[unfinished]
        live = live.extend(rows, last, gained[unfinished])
        state = tuple(part[rows] for part in state)
    return finished


def mask_logprobs(logprobs: np.ndarray, sentences: Beams, limits: Limits) -> np.ndarray:
    """Mask the words that must not come next, and subtract the penalties of others.

    Args:
        logprobs: ``(N, V)`` under the model.
        sentences: the ``N`` rows they continue.
        limits: suppressed tokens, words after which a sentence may not end, words that occur at most once, the size of
            the n-grams that may not be repeated, and the penalties.

    Returns:
        A copy ``(N, V)`` with minus infinity for masked words.

    Raises:
        SeetellError: a log-probability is NaN.
    """
    allowed = np.array(logprobs)
    if np.isnan(allowed).any():
        raise SeetellError("the captioner returned NaN probabilities: its training diverged or its file is damaged")
    if limits.penalty is not None:
        allowed -= limits.penalty(sentences)
    allowed[:, list(limits.suppressed_tokens)] = -np.inf
    if limits.bad_endings is not None and sentences.words:
        allowed[limits.bad_endings[sentences.tokens[:, -1]], limits.end] = -np.inf
    if limits.said_once is not None and sentences.words:
        rows, places = np.nonzero(limits.said_once[sentences.tokens])
        allowed[rows, sentences.tokens[rows, places]] = -np.inf
    if limits.no_repeat_ngram_size and sentences.words >= limits.no_repeat_ngram_size:
        before = limits.no_repeat_ngram_size - 1
        starts = sentences.words - before  # an n-gram begins at each of these positions
        seen = np.ones((len(sentences), starts), dtype=bool)
        for offset in range(before):  # does it begin with the sentence's last n - 1 words?
            last = sentences.tokens[:, starts + offset, None]  # (N, 1)
            seen &= sentences.tokens[:, offset : offset + starts] == last
        rows, positions = np.nonzero(seen)
        allowed[rows, sentences.tokens[rows, positions + before]] = -np.inf
    return allowed
