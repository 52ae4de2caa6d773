"""What models answer that are told in words what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """A piece of an answer.

    Attributes:
        text: with the blank before it, if there is one.
        logprob: natural logarithm of its probability, at most 0.
    """

    text: str
    logprob: float


@dataclass(frozen=True)
class Answer:
    """An answer as the model gave it.

    Attributes:
        text: all of it, with whatever surrounds what was asked for.
        tokens: its pieces in order, which joined are the text; empty where their probabilities are not known.
        cut_off: whether it ended because it reached its greatest length.
        refusal: why there is none, where a server says so by itself, such as "content filter"; mostly empty.
    """

    text: str
    tokens: tuple[Token, ...] = ()
    cut_off: bool = False
    refusal: str = ""
