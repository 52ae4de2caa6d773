"""METEOR's words: tokens normalised as by its option ``-norm``, and which words have a common stem or meaning.

Normalisation splits hyphenated words, separates signs, and removes or separates the stops of abbreviations. The
tokenizer does most of this already, so most sentences do not change. A word's meanings are its own and those of its
base form: the irregular one that WordNet lists, or else the first that results from replacing an ending.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

_LETTERS = (
    "A-Za-z\u0160\u017d\u0161\u017e\u0178\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017e"
    "\u0400-\u04ff\u0500-\u0527\ua640-\ua66e\ua67e-\ua697\u1d00-\u1d7f"
)
_ALPHANUMERIC = f"0-9{_LETTERS}"
_SPACES = " \t\n\r\f"  # separate words; other white space does so only at the end
_WIDE_SPACES = "\u00a0\u2000-\u200a\u202f\u205f\u3000"

_UNCHANGED = re.compile(r"[a-z0-9 ]*")
_RULES = tuple(
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        (rf"([^{_ALPHANUMERIC}\s.'`,\-‘’])", r" \1 "),
        (r"(\.{2,})", r" \1 "),
        (r"([^0-9]),([^0-9])", r"\1 , \2"),
        (r"([0-9]),([^0-9])", r"\1 , \2"),
        (r"([^0-9]),([0-9])", r"\1 , \2"),
        (r"[`‘’]", "'"),
        (r"[“”]|''", ' " '),
        (r"–|--", "-"),
        (rf"([{_ALPHANUMERIC}.])-([{_ALPHANUMERIC}])", r"\1 \2"),
        (rf"([^{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([^{_ALPHANUMERIC}])'([{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([{_LETTERS}])", r"\1 '\2"),
        (r"([0-9])'(s)", r"\1 '\2"),
    )
)
_WORD = re.compile(rf"[^{_SPACES}]+")
_FINAL_WORD = re.compile(rf"[^{_SPACES}{_WIDE_SPACES}]+")
_LETTER = re.compile(f"[{_LETTERS}]")
_STOPS = re.compile(r"\.{2,}")


@dataclass(frozen=True)
class Normaliser:
    """Turns tokens into METEOR's words.

    Attributes:
        prefixes: words that keep a stop after them, such as ``vs``.
        prefixes_of_numbers: words that keep it before a number, such as ``pp``.
    """

    prefixes: Collection[str]
    prefixes_of_numbers: Collection[str]

    @classmethod
    def from_lines(cls, lines: Sequence[str]) -> Normaliser:
        """Read the list of prefixes: one per line, ``#`` starts a comment, a second word marks those of numbers."""
        entries = [line.split() for line in lines]
        entries = [entry for entry in entries if entry and not entry[0].startswith("#")]
        of_numbers = {entry[0] for entry in entries if entry[1:2] == ["#NUMERIC_ONLY#"]}
        return cls(frozenset(entry[0] for entry in entries) - of_numbers, frozenset(of_numbers))

    def words(self, tokens: Sequence[str]) -> tuple[str, ...]:
        """Return the words of a tokenised sentence.

        Example:
            >>> Normaliser(["vs"], ["pp"]).words(["a", "black-and-white", "u.s.", "flag"])
            ('a', 'black', 'and', 'white', 'us', 'flag')
        """
        sentence = " ".join(tokens)
        if _UNCHANGED.fullmatch(sentence):
            return tuple(sentence.split())
        sentence = f" {sentence} "
        for pattern, replacement in _RULES:
            sentence = pattern.sub(replacement, sentence)
        words = _WORD.findall(sentence)
        following = [*words[1:], ""]
        separated = [self._separate_stop(word, after) for word, after in zip(words, following, strict=True)]
        return tuple(_FINAL_WORD.findall(" ".join(separated).lower()))

    def _separate_stop(self, word: str, following: str) -> str:
        """Return a word without its final stop, with a space before it, or unchanged."""
        stem = word[:-1]
        if not stem or word[-1] != "." or _STOPS.fullmatch(word):
            return word
        if "." in stem and _LETTER.search(stem):
            return word.replace(".", "")
        if stem in self.prefixes or "a" <= following[:1] <= "z":
            return word
        if stem in self.prefixes_of_numbers and "0" <= following[:1] <= "9":
            return word
        return f"{stem} ."


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
