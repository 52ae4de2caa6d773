"""Distinct n-grams, div-n (Li et al. 2016, "A diversity-promoting objective function for neural conversation models").

How many different n-grams a set of captions has, over how many words it has. The denominator is words for every n, as
in the paper, not n-grams. A large set has a lower div-n than a small one that is just as varied: compare sets of one
size.
"""

from __future__ import annotations

from collections.abc import Iterable

from seetell.metrics.ngrams import Tokens


def distinct_ngrams(captions: Iterable[Tokens], order: int) -> float:
    """Return the share of distinct n-grams of a set of captions, from 0 to 1; 0 where there is no word.

    Args:
        captions: the tokenised captions, of one photo or of many.
        order: words of an n-gram, at least 1.

    Example:
        >>> distinct_ngrams([["a", "dog"], ["a", "cat"]], 1)  # a, dog and cat in four words
        0.75
    """
    seen: set[tuple[str, ...]] = set()
    words = 0
    for tokens in captions:
        words += len(tokens)
        seen.update(zip(*(tokens[start:] for start in range(order)), strict=False))
    return len(seen) / words if words else 0.0
