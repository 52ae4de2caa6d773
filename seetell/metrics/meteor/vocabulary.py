"""The words that METEOR's second and third matcher pair: words with the same stem, or with a common meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Vocabulary:
    """For each word the words that match it; words without any are absent.

    Attributes:
        same_stem: words with the same stem.
        synonyms: words with a meaning in common.
    """

    same_stem: Mapping[str, frozenset[str]]
    synonyms: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls, words: Iterable[str], *, stem: Callable[[str], str], meanings: Callable[[str], frozenset[str]]
    ) -> Vocabulary:
        """Pair words.

        Args:
            words: distinct words.
            stem: returns a word's stem.
            meanings: returns the ids of a word's meanings.
        """
        words = list(words)
        return cls(
            _paired({word: frozenset((stem(word),)) for word in words}),
            _paired({word: meanings(word) for word in words}),
        )


def _paired(keys: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return for each word the others that share a key with it."""
    sharing: dict[str, list[str]] = {}
    for word, of_word in keys.items():
        for key in of_word:
            sharing.setdefault(key, []).append(word)
    paired = {}
    for word, of_word in keys.items():
        others = frozenset(other for key in of_word for other in sharing[key]) - {word}
        if others:
            paired[word] = others
    return paired
