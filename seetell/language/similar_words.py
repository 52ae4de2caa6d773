"""Words that captions lack, and words of captions that mean nearly the same: *poodle* is read as *dog*.

The list was made by ``scripts/similar_words.py`` from WordNet and GloVe. It is read when the first unknown word is met.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path

from seetell.language.object_names import object_phrases

PATH = Path(__file__).with_name("similar_words.txt")
"""A line a word: the word, a colon, and the words it may be read as, nearest first."""


def inflections(word: str) -> Iterator[str]:
    """Yield other forms that an English word may have: singular, plural, and a verb's forms.

    Some of them are no words: ``running`` gives ``run``, ``runn`` and ``runne``.

    Args:
        word: in lower case.
    """
    if word.endswith("ies"):
        yield f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        yield word[:-2]
    if word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2:
            if stem[-1] == stem[-2]:
                yield stem[:-1]
            yield from (stem, f"{stem}e")
    if not word.endswith("s"):
        yield from (f"{word}s", f"{word}es")
    yield from (f"{word}ing", f"{word.removesuffix('e')}ing", f"{word}ed")


def number_forms(word: str) -> Iterator[str]:
    """Yield a word, and what may be its plural or singular."""
    yield word
    if len(word) > 2:
        yield from (f"{word}s", f"{word}es", word.removesuffix("s"), word.removesuffix("es"))


def similar_word(word: str, known: Container[str]) -> str | None:
    """Return the known word that a word is read as: another form, the object class it names, or the nearest listed.

    Args:
        word: in lower case, not known itself.
        known: all words that a model knows.

    Returns:
        ``None`` if there is none.
    """
    forms = list(dict.fromkeys(inflections(word)))
    listed = (similar for form in (word, *forms) for similar in _similar_words().get(form, ()))
    return next((candidate for candidate in (*forms, *class_word(word), *listed) if candidate in known), None)


def class_word(word: str) -> tuple[str, ...]:
    """Return the noun of the object class that a word names, such as *table* of *desk*, which names a *dining table*.

    Args:
        word: in lower case.

    Returns:
        At most one; none for *hotdog*, which is no dog.
    """
    name = object_phrases().get((word,), "")
    return () if name in ("", "hot dog") else (name.split()[-1],)


@cache
def _similar_words() -> dict[str, tuple[str, ...]]:
    lines = PATH.read_text("utf-8").splitlines()
    return {word: tuple(similar.split()) for word, similar in (line.split(": ") for line in lines)}
