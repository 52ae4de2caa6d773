"""How well texts were read: the share of words read exactly, and edit distances.

IIIT5K, SVT and ICDAR's *word recognition* count a word as read if its letters and digits are, in any case; ICDAR's
*1 − N.E.D.* is the mean similarity of texts, 1 − edit distance / length of the longer one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from seetell.errors import DataError


@dataclass(frozen=True)
class TextScores:
    """How well some words were read.

    Attributes:
        word_accuracy: share of words read exactly.
        alphanumeric_accuracy: the same, comparing only letters and digits, in any case; words without any are left
            out. Not a number if there is none.
        similarity: mean of 1 − the edit distance of a word over the longer one's length.
        character_error_rate: edit distances of all words over their characters.
        words: how many there were.
    """

    word_accuracy: float
    alphanumeric_accuracy: float
    similarity: float
    character_error_rate: float
    words: int

    def to_dict(self) -> dict[str, float]:
        """Return plain types ready for JSON."""
        return asdict(self)


def text_scores(pairs: Iterable[tuple[str, str]]) -> TextScores:
    """Score texts.

    Args:
        pairs: each what is written, which is not empty, and what was read.

    Raises:
        DataError: there is none.
    """
    texts = list(pairs)
    if not texts:
        raise DataError("no words to score")
    distances = [edit_distance(written, read) for written, read in texts]
    lengths = [len(written) for written, _ in texts]
    compared = [(plain, alphanumeric(read)) for written, read in texts if (plain := alphanumeric(written))]
    return TextScores(
        word_accuracy=sum(distance == 0 for distance in distances) / len(texts),
        alphanumeric_accuracy=sum(one == other for one, other in compared) / len(compared)
        if compared
        else float("nan"),
        similarity=sum(
            1 - distance / max(length, len(read))
            for distance, length, (_, read) in zip(distances, lengths, texts, strict=True)
        )
        / len(texts),
        character_error_rate=sum(distances) / sum(lengths),
        words=len(texts),
    )


def alphanumeric(text: str) -> str:
    """Return the letters and digits of a text, in lower case."""
    return "".join(sign for sign in text.lower() if sign.isalnum())


def edit_distance(one: str, other: str) -> int:
    """Return the fewest insertions, deletions and substitutions that make one text of the other (Levenshtein 1966)."""
    if len(one) < len(other):
        one, other = other, one
    previous = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        current = [row]
        for column, against in enumerate(other, 1):
            current.append(
                min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (sign != against)),
            )
        previous = current
    return previous[-1]
