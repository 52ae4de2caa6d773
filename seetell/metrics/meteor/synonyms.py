"""WordNet's synonyms, as METEOR looks them up.

A word's meanings are its own and those of its base form: the irregular one that WordNet lists, or else the first that
results from replacing an ending.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_ENDINGS = (
    ("s", ""),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
    ("es", "e"),
    ("es", ""),
    ("ed", "e"),
    ("ed", ""),
    ("ing", "e"),
    ("ing", ""),
    ("er", ""),
    ("est", ""),
    ("er", "e"),
    ("est", "e"),
)


class Synonyms:
    """Looks up meanings.

    Args:
        synsets: pairs of lines: a word, the ids of its meanings.
        exceptions: pairs of lines: a base form, its irregular forms.
    """

    def __init__(self, synsets: Sequence[str], exceptions: Sequence[str]) -> None:
        self._synsets = dict(zip(synsets[::2], synsets[1::2], strict=True))
        self._bases: dict[str, list[str]] = {}
        for base, forms in zip(exceptions[::2], exceptions[1::2], strict=True):
            for form in forms.split():
                self._bases.setdefault(form, []).append(base)

    def meanings(self, word: str) -> frozenset[str]:
        """Return the ids of a word's meanings; empty for a word that WordNet lacks."""
        forms = [word, *(self._bases.get(word) or self._regular_bases(word))]
        return frozenset(number for form in forms for number in self._synsets.get(form, "").split())

    def _regular_bases(self, word: str) -> Iterable[str]:
        """Return the base form of a regular word, if there is one."""
        if len(word) > 2 and not word.endswith("ss"):
            for ending, instead in _ENDINGS:
                base = word.removesuffix(ending) + instead
                if word.endswith(ending) and base in self._synsets:
                    return (base,)
        return ()
