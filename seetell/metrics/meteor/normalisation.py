"""Normalise tokens to the words that METEOR compares: its option ``-norm``, after the tokenizer.

Splits hyphenated words, separates signs, and removes or separates the stops of abbreviations. The tokenizer does most
of this already, so most sentences do not change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
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
