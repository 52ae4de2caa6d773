"""Decoding: from a captioner's probabilities to sentences, by greedy search, beam search or sampling.

Works with any model through a callback that advances by one word, batched over images and beams:

    >>> sentences = decode(step, state, Decoding(method="beam", beam_size=5))
    >>> best = sentences[0][0].tokens
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from seetell.errors import UsageError, unknown
from seetell.language.beam_search import beam_search
from seetell.language.hypotheses import Hypothesis, Limits, Penalty, State, Step
from seetell.language.phrases import FUNCTION_WORDS, word_mask
from seetell.language.sampling import sample
from seetell.language.vocabulary import END, START, UNK

Method = Literal["greedy", "beam", "sample"]
_RENAMED = {"block_ngrams": "no_repeat_ngram_size"}

MAX_BEAM_SIZE = 100
"""More beams take much memory, and find no better sentences."""

MAX_LENGTH_PENALTY = 10.0

_DETERMINERS = "a an the this that these those his her its their my your some another each every"
_JOINING = "of in on at to for from by with into onto and or but as while near over under behind beside between through"
_BAD_ENDINGS = frozenset(f"{_DETERMINERS} {_JOINING} during is are".split())

__all__ = ["Decoding", "Hypothesis", "Method", "State", "Step", "decode"]


@dataclass(frozen=True)
class Decoding:
    """Options of decoding.

    Attributes:
        method: ``greedy`` takes the most probable word each time, ``beam`` searches the most probable sentence,
            ``sample`` draws at random.
        beam_size: number of beams of ``beam``, at most 100.
        beam_threshold: of ``beam``: beams whose log-probability is more than this below that of the best one, in nats,
            are dropped, which saves time; 0 for no limit.
        length_penalty: sentences are ranked by ``logprob / length ** length_penalty``; 0 favours short ones, 1 ranks by
            the mean per word; at most 10.
        max_words: longest sentence.
        temperature: of ``sample``: below 1 favours the most probable words, above 1 flattens the distribution.
        top_k: of ``sample``: draw among this many most probable words; 0 for all.
        top_p: of ``sample``: draw among the fewest words that together have this probability.
        no_repeat_ngram_size: n-grams of this size occur at most once in a sentence; 0 for no limit.
        remove_bad_endings: sentences do not end in a word that another must follow, such as ``a`` or ``with``; training
            on CIDEr-D rewards such ends.
        no_repeat_content_words: a word that is no function word occurs at most once in a sentence.
        fluency: avoid words in an order in which nobody writes them and, of images with colours, words such as "photo"
            directly after a colour, where the model's bundle has the setting ``fluency``.
        seed: of ``sample``: the same seed gives the same sentences.
    """

    method: Method = "beam"
    beam_size: int = 5
    beam_threshold: float = 0.0
    length_penalty: float = 0.7
    max_words: int = 20
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    no_repeat_ngram_size: int = 0
    remove_bad_endings: bool = False
    no_repeat_content_words: bool = False
    fluency: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise UsageError(f"decoding: {unknown('method', self.method, get_args(Method))}")
        for name, least in (("beam_size", 1), ("max_words", 1), ("top_k", 0), ("no_repeat_ngram_size", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"decoding: {name} must be a whole number of at least {least}, got {value!r}")
        for name in ("remove_bad_endings", "no_repeat_content_words", "fluency"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"decoding: {name} must be true or false, got {getattr(self, name)!r}")
        for name in ("beam_threshold", "length_penalty", "temperature", "top_p"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise UsageError(f"decoding: {name} must be a number, got {value!r}")
        if self.beam_size > MAX_BEAM_SIZE:
            raise UsageError(f"decoding: beam_size must be at most {MAX_BEAM_SIZE}, got {self.beam_size}")
        if self.beam_threshold < 0:
            raise UsageError(f"decoding: beam_threshold must be at least 0, got {self.beam_threshold}")
        if not 0 <= self.length_penalty <= MAX_LENGTH_PENALTY:
            raise UsageError(
                f"decoding: length_penalty must be from 0 to {MAX_LENGTH_PENALTY:g}, got {self.length_penalty}"
            )
        if self.temperature <= 0:
            raise UsageError(
                f"decoding: temperature must be above 0, got {self.temperature}; method='greedy' is its limit towards 0"
            )
        if not 0 < self.top_p <= 1:
            raise UsageError(f"decoding: top_p must be above 0 and at most 1, got {self.top_p}")

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Decoding:
        """Read what ``to_dict`` returned; absent options take their defaults.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """
        return cls().with_options(**options)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)

    def with_options(self, **options: Any) -> Decoding:
        """Return a copy with some options changed.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """
        self.check_names(options)
        return replace(self, **options)

    @classmethod
    def check_names(cls, names: Iterable[str], *, others: Sequence[str] = ()) -> None:
        """Check that names are those of options.

        Args:
            names: of options.
            others: further names that were allowed beside them, for the message.

        Raises:
            UsageError: one is not.
        """
        known = [field.name for field in fields(cls)]
        for name in names:
            if name not in known:
                raise UsageError(f"decoding: {unknown('option', name, [*known, *others], renamed=_RENAMED)}")


@lru_cache(maxsize=8)
def _bad_endings(words: tuple[str, ...]) -> np.ndarray:
    return word_mask(words, _BAD_ENDINGS)


@lru_cache(maxsize=8)
def _content_words(words: tuple[str, ...]) -> np.ndarray:
    return word_mask(words, {word for word in words if word.isalpha()} - FUNCTION_WORDS)


def decode(
    step: Step,
    state: State,
    decoding: Decoding,
    *,
    start: int = START,
    end: int = END,
    suppressed_tokens: Sequence[int] = (START, UNK),
    words: Sequence[str] = (),
    sample_ids: Sequence[int] | None = None,
    penalty: Penalty | None = None,
) -> list[list[Hypothesis]]:
    """Generate sentences for a batch of ``B`` images.

    Args:
        step: takes the last words ``(N,)`` int64 and the state; returns log-probabilities ``(N, V)`` and the next
            state. ``N`` changes from word to word, rows of the state being repeated, reordered and dropped to match.
        state: at least one array, each with a leading axis of ``B``.
        decoding: the options.
        start: id fed before the first word.
        end: id that ends a sentence.
        suppressed_tokens: word ids that are never generated.
        words: of the vocabulary, by id; ``remove_bad_endings`` and ``no_repeat_content_words`` need them.
        sample_ids: for ``sample``, for each image the id of its stream of random numbers; by default its index
            in the batch. An image's sentence depends on the seed and this id only, not on its batch.
        penalty: what is subtracted from the log-probabilities of words.

    Returns:
        For each image its sentences, highest score first: up to ``beam_size`` for ``beam``, else one.

    Raises:
        SeetellError: the model returned NaN.
    """
    limits = Limits(
        decoding.max_words,
        decoding.length_penalty,
        decoding.no_repeat_ngram_size,
        start,
        end,
        suppressed_tokens,
        _bad_endings(tuple(words)) if decoding.remove_bad_endings and words else None,
        _content_words(tuple(words)) if decoding.no_repeat_content_words and words else None,
        penalty,
    )
    if decoding.method == "sample":
        return sample(
            step,
            state,
            temperature=decoding.temperature,
            top_k=decoding.top_k,
            top_p=decoding.top_p,
            seed=decoding.seed,
            sample_ids=range(len(state[0])) if sample_ids is None else sample_ids,
            limits=limits,
        )
    return beam_search(
        step,
        state,
        beam_size=decoding.beam_size if decoding.method == "beam" else 1,
        beam_threshold=decoding.beam_threshold,
        limits=limits,
    )
