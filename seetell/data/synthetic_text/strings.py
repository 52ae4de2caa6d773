"""What is written on synthetic pictures: words of a list, made-up words, numbers, codes, addresses, and lines."""

from __future__ import annotations

import string
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.language.vocabulary import Vocabulary

KNOWN_WORDS = Path(__file__).resolve().parents[2] / "bundles"
"""Where the vocabularies of the models of this package are."""

HELD_OUT = 20
"""One word in so many is in validation pictures alone."""

KINDS = {"word": 0.55, "made_up": 0.1, "number": 0.15, "code": 0.07, "address": 0.03, "punctuated": 0.1}
"""How often each kind of text is written."""

PRINTABLE = string.printable[:94]
"""The digits, letters and signs of ASCII, without the blank."""

LINES = 0.35
"""Share of lines of several words, where texts may have blanks."""

_COMMON = """
" the of and to a in is it you that he was for on are with as his they be at one have this from or had by hot but some
what there we can out other were all your when up use word how said an each she which do their time if will way about
many then them would write like so these her long make thing see him two has look more day could go come did my no
most who over know than call first people may down been now find any new work part take get place made where after
back only I
"""
COMMON = tuple(_COMMON.split())
"""The most frequent words of English, which most lines have and lists of many words hardly show."""

_CODES = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"  # without I and O, which no one tells from 1 and 0 there
_DOMAINS = ("com", "org", "net", "co.uk", "de", "eu", "io", "info")


class Strings:
    """Texts to write.

    Args:
        words: of the list.
        characters: that a text may have. Where there are no capitals, texts are in lower case; of others that are not
            among them a text loses. With a blank among them, :data:`LINES` of the texts are lines of words.
        held_out: write only words of the list that are never trained on, or only the others.
        longest: most characters of a text.
    """

    def __init__(self, words: Sequence[str], characters: str, *, held_out: bool, longest: int) -> None:
        self.characters, self.longest = frozenset(characters), longest
        self._fold = not any(sign.isupper() for sign in characters)
        fitting = sorted({word for word in words if word.isalpha() and word.isascii() and 1 < len(word) <= longest})
        self.words = [word for word in fitting if is_held_out(word) == held_out]
        if not self.words:
            raise DataError(
                f"no words to write among {len(words)} of the list: expected some of 2 to {longest} letters"
            )
        self._followers = _followers(fitting)
        self._kinds, weights = list(KINDS), np.array(list(KINDS.values()))
        self._bounds = np.cumsum(weights / weights.sum())

    def draw(self, random: np.random.Generator) -> str:
        """Draw a text of at least one character."""
        while True:
            if " " in self.characters and random.random() < LINES:
                return self._line(random)
            kind = self._kinds[int(np.searchsorted(self._bounds, random.random()))]
            text: str = getattr(self, f"_{kind}")(random)
            text = self._known(text)[: self.longest]
            if text:
                return text

    def _known(self, text: str) -> str:
        return "".join(sign for sign in (text.lower() if self._fold else text) if sign in self.characters)

    def _line(self, random: np.random.Generator) -> str:
        """Words of a sentence or of a heading, with a number or a sign among them at times."""
        case, line = random.random(), ""
        for place in range(random.integers(2, 6)):
            kind = random.random()
            if kind < 0.4:
                word = COMMON[random.integers(len(COMMON))]
            elif kind < 0.75:
                word = self.words[random.integers(len(self.words))]
            elif kind < 0.87:
                word = self._number(random)
            else:
                word = self._punctuated(random)
            if case < 0.2:
                word = word.upper()
            elif place == 0 or case < 0.4:
                word = word[:1].upper() + word[1:]
            longer = f"{line} {self._known(word)}".strip()
            if len(longer) > self.longest:
                break
            line = longer
        return line or self._known(COMMON[random.integers(len(COMMON))])

    def _word(self, random: np.random.Generator) -> str:
        return _cased(self.words[random.integers(len(self.words))], random)

    def _made_up(self, random: np.random.Generator) -> str:
        """Letters that follow one another as in words."""
        letters = " "
        for _ in range(random.integers(2, min(11, self.longest) + 1)):
            followers = self._followers.get(letters[-1])
            letters += followers[random.integers(len(followers))] if followers else "e"
        return _cased(letters.strip(), random)

    def _number(self, random: np.random.Generator) -> str:
        kind, draw = random.integers(8), random.integers
        if kind == 0:
            return f"{'$£€'[draw(3)]}{draw(1, 2000)}.{draw(100):02}"
        if kind == 1:
            return f"{draw(1, 100000):,}"
        if kind == 2:
            return f"{draw(1, 32):02}{'/.-'[sign := draw(3)]}{draw(1, 13):02}{'/.-'[sign]}{draw(1900, 2040)}"
        if kind == 3:
            return f"{draw(24):02}:{draw(60):02}"
        if kind == 4:
            return f"{draw(1, 101)}{('%', 'km', 'kg', 'm', 'st', 'th')[draw(6)]}"
        if kind == 5:
            return f"{draw(200, 999)}-{draw(100, 999)}-{draw(1000, 9999)}"
        if kind == 6:
            return f"{draw(100)}.{draw(100):02}"
        return str(draw(10 ** draw(1, 7)))

    def _code(self, random: np.random.Generator) -> str:
        signs = (_CODES, _CODES + string.ascii_lowercase.replace("l", ""), PRINTABLE)[
            int(random.choice(3, p=(0.8, 0.1, 0.1)))
        ]
        return "".join(signs[place] for place in random.integers(len(signs), size=random.integers(2, 9)))

    def _address(self, random: np.random.Generator) -> str:
        name = self.words[random.integers(len(self.words))].lower()
        end = f"{name}.{_DOMAINS[random.integers(len(_DOMAINS))]}"
        other = self.words[random.integers(len(self.words))].lower()
        return (f"www.{end}", f"{other}@{end}", end, f"#{name}", f"@{name}{random.integers(100)}")[random.integers(5)]

    def _punctuated(self, random: np.random.Generator) -> str:
        word = self._word(random)
        forms = (".", ",", "!", "?", ":", ";", "...", "'s", "()", '""', "''", "[]", "-", "&", "*", "/")
        form = forms[random.integers(len(forms))]
        if form in ("()", '""', "''", "[]"):
            return f"{form[0]}{word}{form[1]}"
        if form in ("-", "&", "/"):
            return f"{word}{form}{self._word(random)}"
        return word + form


def is_held_out(word: str) -> bool:
    """Return whether a word, in any case, is in validation pictures alone."""
    return zlib.crc32(word.lower().encode()) % HELD_OUT == 0


def read_words(file: str | Path | None) -> list[str]:
    """Return the words of a file, one per line; when absent, those that the models of this package know.

    Raises:
        DataError: the file cannot be read as UTF-8.
    """
    if not file:
        return sorted({word for each in KNOWN_WORDS.glob("*/vocabulary.json") for word in Vocabulary.load(each).words})
    try:
        return [line.strip() for line in Path(file).read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: expected words in UTF-8, one per line: {error}") from error


def _cased(word: str, random: np.random.Generator) -> str:
    kind = random.random()
    return word.upper() if kind < 0.3 else word.capitalize() if kind < 0.55 else word.lower()


def _followers(words: Iterable[str]) -> dict[str, str]:
    """Return the letters that follow each letter, and the beginning, in words, as often as they do."""
    followers: dict[str, list[str]] = defaultdict(list)
    for word in list(words)[:5000]:
        for before, letter in zip(f" {word.lower()}", word.lower(), strict=False):
            followers[before].append(letter)
    return {before: "".join(letters) for before, letters in followers.items()}
