"""The words in indexed photos: read once for each content, and found by SQLite's full-text search.

They lie beside the vectors, in tables that an index gets when its photos are first read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from seetell.errors import PhotoError

if TYPE_CHECKING:
    from seetell.results import Regions
    from seetell.runtime.predictor import Predictor
    from seetell.search.store import Store

Progress = Callable[[int, int], None]

BATCH = 16
"""Photos whose words are written in one transaction."""

MOST = 1000
"""Photos that are found by their words, those that fit best."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS readings (content INTEGER PRIMARY KEY, reader TEXT NOT NULL)",
    # a word and its accented form are the same to people who search
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')",
)


def has_words(store: Store) -> bool:
    """Return whether photos of an index were read."""
    return store.has_table("readings")


def read_words(
    store: Store, reader: Predictor[Any, Regions], *, progress: Progress = lambda done, total: None
) -> tuple[int, dict[str, str]]:
    """Read the photos of an index that this model has not read yet.

    Args:
        store: opened for writing.
        reader: reads text, such as ``seetell.load("read")``.
        progress: called after each batch with the numbers of photos read and to read.

    Returns:
        How many have words, of those that were read; and the photos that do not open any more, with the reasons.
    """
    with store.transaction():
        for statement in _SCHEMA:
            store.rows(statement)
        for table, column in (("readings", "content"), ("words", "rowid")):
            store.change_many(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM contents)", [()])
    films = " AND id NOT IN (SELECT content FROM moments)" if store.has_table("moments") else ""
    pending = store.rows(
        f"SELECT id FROM contents WHERE vector IS NOT NULL{films}"
        " AND id NOT IN (SELECT content FROM readings WHERE reader = ?)"
        " AND id IN (SELECT content FROM photos WHERE missing_since IS NULL) ORDER BY id",
        (reader.name,),
    )
    numbers = [number for (number,) in pending]
    with_words, failures = 0, {}
    for begin in range(0, len(numbers), BATCH):
        batch = numbers[begin : begin + BATCH]
        photos = [next(iter(store.photos_of(number)), "") for number in batch]
        texts = []
        for number, photo, result in zip(batch, photos, reader.predict_many(photos), strict=True):
            if isinstance(result, PhotoError):
                failures[photo] = str(result).removeprefix(f"{photo}: ")
            else:
                texts.append((number, "\n".join(region.text for region in result)))
        with store.transaction():
            store.change_many("DELETE FROM words WHERE rowid = ?", [(number,) for number, _ in texts])
            store.change_many("INSERT INTO words (rowid, text) VALUES (?, ?)", [row for row in texts if row[1]])
            store.change_many(
                "INSERT OR REPLACE INTO readings VALUES (?, ?)", [(number, reader.name) for number, _ in texts]
            )
        with_words += sum(bool(text) for _, text in texts)
        progress(begin + len(batch), len(numbers))
    return with_words, failures


def find_words(store: Store, query: str) -> Iterator[tuple[int, str]]:
    """Yield the contents of photos that are there in which all words of a query are written, and the lines with them.

    Args:
        store: with words or without; without, there are none.
        query: words, the last of which may be the beginning of one; signs between them do not count.
    """
    words = re.findall(r"\w+", query)
    if not words or not has_words(store):
        return
    wanted = " AND ".join(f'"{word}"' for word in words[:-1]) + (" AND " if words[1:] else "") + f'"{words[-1]}"*'
    there = "rowid IN (SELECT content FROM photos WHERE missing_since IS NULL)"
    statement = f"SELECT rowid, text FROM words WHERE words MATCH ? AND {there} ORDER BY rank LIMIT ?"
    for number, text in store.rows(statement, (wanted, MOST)):
        yield number, _lines_with(words, text.split("\n"))


def _lines_with(words: Iterable[str], lines: Iterable[str]) -> str:
    wanted = [_plain(word) for word in words]
    return " / ".join(line for line in lines if any(word in _plain(line) for word in wanted))


def _plain(text: str) -> str:
    """Return a text in lower case, without accents, as the full-text search compares it."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))
