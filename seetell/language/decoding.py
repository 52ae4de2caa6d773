"""Decoding: from a captioner's probabilities to sentences, by greedy search, beam search or sampling.

Works with any model through a callback that advances by one word, batched over images and beams:

    >>> sentences = decode(step, state, Decoding(method="beam", beam_size=5))
    >>> best = sentences[0][0].tokens
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from seetell.errors import UsageError, unknown
from seetell.language.beam_search import beam_search
from seetell.language.hypotheses import Hypothesis, Limits, State, Step
from seetell.language.sampling import sample
from seetell.language.vocabulary import END, START, UNK

Method = Literal["greedy", "beam", "sample"]
_RENAMED = {"block_ngrams": "no_repeat_ngram_size"}

__all__ = ["Decoding", "Hypothesis", "Method", "State", "Step", "decode"]


@dataclass(frozen=True)
class Decoding:
    """Options of decoding.

    Attributes:
        method: ``greedy`` takes the most probable word each time, ``beam`` searches the most probable sentence,
            ``sample`` draws at random.
        beam_size: number of beams of ``beam``.
        length_penalty: sentences are ranked by ``logprob / length ** length_penalty``; 0 favours short ones, 1 ranks by
            the mean per word.
        max_words: longest sentence.
        temperature: of ``sample``: below 1 favours the most probable words, above 1 flattens the distribution.
        top_k: of ``sample``: draw among this many most probable words; 0 for all.
        top_p: of ``sample``: draw among the fewest words that together have this probability.
        no_repeat_ngram_size: n-grams of this size occur at most once in a sentence; 0 for no limit.
        seed: of ``sample``: the same seed gives the same sentences.
    """

    method: Method = "beam"
    beam_size: int = 5
    length_penalty: float = 0.7
    max_words: int = 20
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    no_repeat_ngram_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise UsageError(f"decoding: {unknown('method', self.method, get_args(Method))}")
        for name, least in (("beam_size", 1), ("max_words", 1), ("top_k", 0), ("no_repeat_ngram_size", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"decoding: {name} must be a whole number of at least {least}, got {value!r}")
        for name in ("length_penalty", "temperature", "top_p"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise UsageError(f"decoding: {name} must be a number, got {value!r}")
        if self.length_penalty < 0:
            raise UsageError(f"decoding: length_penalty must be at least 0, got {self.length_penalty}")
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
        known = [field.name for field in fields(self)]
        for name in options:
            if name not in known:
                raise UsageError(f"decoding: {unknown('option', name, known, renamed=_RENAMED)}")
        return replace(self, **options)


def decode(
    step: Step,
    state: State,
    decoding: Decoding,
    *,
    start: int = START,
    end: int = END,
    suppressed_tokens: Sequence[int] = (START, UNK),
    sample_ids: Sequence[int] | None = None,
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
        sample_ids: for ``sample``, for each image the id of its stream of random numbers; by default its index
            in the batch. An image's sentence depends on the seed and this id only, not on its batch.

    Returns:
        For each image its sentences, highest score first: up to ``beam_size`` for ``beam``, else one.

    Raises:
        SeetellError: the model returned NaN.
    """
    limits = Limits(
        decoding.max_words, decoding.length_penalty, decoding.no_repeat_ngram_size, start, end, suppressed_tokens
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
    return beam_search(step, state, beam_size=decoding.beam_size if decoding.method == "beam" else 1, limits=limits)
