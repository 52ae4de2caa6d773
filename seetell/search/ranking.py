"""Rank the contents of the index for a query: exactly, or from candidates of faiss where there are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from seetell.errors import PhotoIndexError
from seetell.search import nearest
from seetell.search.integrity import file_checksum
from seetell.search.store import Store

MANY = 50_000
"""Up to this many vectors are all compared exactly, from memory; beyond it faiss proposes candidates."""

CANDIDATES = 100
"""Least number of vectors that faiss proposes for the exact comparison."""

REMAINDER = 2000
"""Vectors that may be added or removed before faiss's file is rebuilt."""


class Ranking:
    """Compares queries with the vectors of a store.

    Args:
        store: open; changes by other processes are noticed.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._exact: tuple[np.ndarray, np.ndarray] | None = None
        self._exact_as_of: object = None
        self._quantised: tuple[str, nearest.Quantised] | None = None

    def rank(self, query: np.ndarray, top: int) -> Iterator[tuple[int, float]]:
        """Yield all contents and their scores, highest score first: cosines for vectors of length 1.

        With many vectors, the candidates of faiss come before the others.

        Args:
            query: ``(D,)`` float32.
            top: number of results that will probably be used.
        """
        seen: set[int] = set()
        quantised = self._quantised_file()
        if quantised is not None:
            contents, scores = self._proposed(quantised, query, max(CANDIDATES, 5 * top))
            for content, score in _sorted(contents, scores):
                seen.add(content)
                yield content, score
        contents, scores = self._compared(query)
        for content, score in _sorted(contents, scores):
            if content not in seen:
                yield content, score

    def scores(self, query: np.ndarray, contents: Sequence[int]) -> dict[int, float]:
        """Return the scores of some contents that still exist, at most a few thousand."""
        if not contents:
            return {}
        numbers, vectors = self.store.vectors_of(contents)
        return dict(zip(numbers.tolist(), (vectors @ query).tolist(), strict=True)) if len(numbers) else {}

    def _proposed(self, quantised: nearest.Quantised, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        proposed = self.store.vectors_of(quantised.nearest(query, count).tolist())
        later = self.store.vectors(after=int(self.store.get_metadata("quantised_up_to")))
        found = [(contents, vectors @ query) for contents, vectors in (proposed, *later) if len(contents)]
        contents = [np.zeros(0, np.int64), *(part for part, _ in found)]
        return np.concatenate(contents), np.concatenate([np.zeros(0, np.float32), *(part for _, part in found)])

    def _compared(self, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compare all vectors exactly; up to ``MANY`` are kept in memory for the next query."""
        if self._exact is None or self._exact_as_of != self.store.changes():
            self._exact_as_of = self.store.changes()
            self._exact = _all(self.store) if self.store.vector_count() <= MANY else None
        if self._exact is not None:
            contents, vectors = self._exact
            return contents, vectors @ query if len(contents) else np.zeros(0, np.float32)
        parts = [(contents, vectors @ query) for contents, vectors in self.store.vectors()]
        return np.concatenate([part for part, _ in parts]), np.concatenate([part for _, part in parts])

    def _quantised_file(self) -> nearest.Quantised | None:
        """Return faiss's file, if the index has one and it can be read."""
        name = self.store.get_metadata("quantised")
        if name is None or not nearest.available():
            return None
        if self._quantised is None or self._quantised[0] != name:
            if not _is_sound(self.store, name):  # lost or damaged: the store still has everything
                return None
            self._quantised = name, nearest.Quantised(self.store.folder / name)
        return self._quantised[1]


def quantise(store: Store) -> None:
    """Rebuild faiss's file if the index is large and has changed much since."""
    total = store.vector_count()
    if total <= MANY or not nearest.available():
        return
    before, last = store.get_metadata("quantised"), store.get_metadata("quantised_up_to") or 0
    gone = (store.get_metadata("quantised_count") or 0) - (total - store.vector_count(after=last))
    if before and _is_sound(store, before) and max(gone, store.vector_count(after=last)) <= REMAINDER:
        return
    (newest,) = store.rows("SELECT max(id) FROM contents")[0]
    name = f"vectors-{store.get_metadata('key')}-{newest}-{total}.faiss"
    try:
        nearest.write(store.folder / name, _sample(store, total), store.vectors())
    except OSError as error:
        raise PhotoIndexError(
            f"{store.folder / name}: cannot be written ({error.strerror}); all photos are indexed, "
            "but searches are slow until a further run succeeds"
        ) from error
    with store.transaction():
        facts = {"quantised": name, "quantised_up_to": newest, "quantised_count": total}
        for key, value in {**facts, "quantised_checksum": file_checksum(store.folder / name)}.items():
            store.set_metadata(key, value)
    for file in store.folder.glob("vectors-*.faiss"):
        if file.name != name:
            with suppress(OSError):  # another process may be reading it
                file.unlink()


def _is_sound(store: Store, name: str) -> bool:
    try:
        return bool(file_checksum(store.folder / name) == store.get_metadata("quantised_checksum"))
    except OSError:
        return False


def _sample(store: Store, total: int) -> np.ndarray:
    """Return vectors from all over the store to train on."""
    step = -(-total // nearest.TRAINING_VECTORS)
    return np.concatenate([vectors[(contents % step) == 0] for contents, vectors in store.vectors()])


def _all(store: Store) -> tuple[np.ndarray, np.ndarray]:
    parts = list(store.vectors())
    if not parts:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    return np.concatenate([contents for contents, _ in parts]), np.concatenate([vectors for _, vectors in parts])


def _sorted(contents: np.ndarray, scores: np.ndarray) -> Iterator[tuple[int, float]]:
    """Yield the highest scores first; sorts all only if more than 1,024 are used."""
    if len(scores) > 4096:
        first = np.argpartition(-scores, 1024)[:1024]
        yield from _sorted(contents[first], scores[first])
        rest = np.ones(len(scores), bool)
        rest[first] = False
        contents, scores = contents[rest], scores[rest]
    for index in np.argsort(-scores, kind="stable"):
        yield int(contents[index]), float(scores[index])
