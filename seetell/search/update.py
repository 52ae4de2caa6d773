"""Bring the index up to date with folders: what is new or changed is read, and only new contents are encoded.

Photos are read and encoded a batch at a time, and a batch reaches the disk whole or not at all: whatever stops a run,
the next one goes on where it stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seetell.errors import PhotoError, PhotoIndexError
from seetell.search.content import Content
from seetell.search.embedder import Embedder
from seetell.search.scan import Key, key_of, scan
from seetell.search.store import VECTOR, Store

BATCH = 64
"""Photos that a stopped run may have to encode again."""

REMEMBERED = 30 * 24 * 3600.0
"""Seconds for which a missing photo's vector is kept, in case it turns up again: moved, or its disk mounted."""

Progress = Callable[[int, int], None]
"""Told how many of how many photos to be read are done."""


@dataclass
class Update:
    """What a run did.

    Attributes:
        added: photos not known before.
        changed: photos whose content is another than before.
        moved: photos found under another name or in another folder than before.
        unchanged: photos that are as they were, those that could not be used among them.
        failed_before: how many of those; they are tried again when they change.
        missing: photos that are no longer there.
        encoded: contents that the model was asked for.
        failures: files and folders that could not be used in this run, and why.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    failed_before: int = 0
    missing: int = 0
    encoded: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return dict(vars(self))


def update(
    store: Store,
    embedder: Embedder,
    roots: Iterable[str],
    *,
    retry: bool = False,
    progress: Progress | None = None,
) -> Update:
    """Bring a store up to date with folders and files; what it knows of others stays.

    Args:
        store: opened for writing.
        embedder: the model that made its other vectors.
        roots: folders and files.
        retry: try photos again that could not be used before.
        progress: told after each batch.

    Raises:
        PhotoIndexError: the store cannot be written; what was written before is kept.
    """
    found = scan(store, roots, retry=retry)
    done = Update(unchanged=found.unchanged, failed_before=found.failed_before, failures=found.failures)
    with store.transaction():
        _note_missing(store, found.missing, time.time())
        _note_missing(store, found.back, None)
    missing = set(found.missing)
    for begin in range(0, len(found.pending), BATCH):
        batch = found.pending[begin : begin + BATCH]
        _Run(store, embedder, done, missing, retry).take(batch)
        if progress is not None:
            progress(begin + len(batch), len(found.pending))
    done.missing = len(missing)
    with store.transaction():
        store.change_many("DELETE FROM photos WHERE missing_since < ?", [(time.time() - REMEMBERED,)])
        if found.pending or found.missing:
            store.change_many("DELETE FROM contents WHERE id NOT IN (SELECT content FROM photos)", [()])
    return done


def _note_missing(store: Store, photos: Sequence[Key], since: float | None) -> None:
    changed = "UPDATE photos SET missing_since = ? WHERE folder = ? AND name = ?"
    store.change_many(changed, [(since, *photo) for photo in photos])


@dataclass
class _Run:
    store: Store
    embedder: Embedder
    done: Update
    missing: set[Key]
    retry: bool

    def take(self, paths: Sequence[str]) -> None:
        """Read some photos, encode what is new of them and write all of it down together."""
        read = self._read(paths)
        hashes = [content.hash for content in read.values()]
        before = self.store.contents(hashes)
        known = {content for content, (_, failure) in before.items() if not (self.retry and failure)}
        new = {content.hash: path for path, content in reversed(read.items()) if content.hash not in known}
        encoded = self._encoded(new, read)
        with self.store.transaction():
            self._write_contents(encoded)
            after = self.store.contents(hashes)
            for path, content in read.items():
                if content.hash in known or content.hash in encoded:
                    number, failure = after[content.hash]
                    self._write_photo(path, content, number, new=content.hash not in known, failure=failure)

    def _read(self, paths: Sequence[str]) -> dict[str, Content]:
        read = {}
        for path in paths:
            try:
                read[path] = Content.read(path)
            except FileNotFoundError:
                continue  # gone since the folders were walked; the next run finds it missing
            except PhotoError as error:
                self.done.failures[path] = str(error).removeprefix(f"{path}: ")
        return read

    def _encoded(self, new: Mapping[bytes, str], read: Mapping[str, Content]) -> dict[bytes, bytes | str]:
        """Return a vector's bytes, or why there is none, for each content that was not known."""
        if not new:
            return {}
        results = self.embedder.photo_vectors(list(new.values()))
        self.done.encoded += len(new)
        encoded: dict[bytes, bytes | str] = {}
        for (content, path), result in zip(new.items(), results, strict=True):
            if not read[path].is_still(path):
                if os.path.lexists(path):
                    self.done.failures[path] = "was changed while it was read; run again"
            elif isinstance(result, PhotoError):
                encoded[content] = str(result).removeprefix(f"{path}: ")
            else:
                encoded[content] = self._bytes(result)
        return encoded

    def _bytes(self, vector: np.ndarray) -> bytes | str:
        dimensions = self.store.fact("dimensions")
        if vector.ndim != 1 or (dimensions or len(vector)) != len(vector):
            raise PhotoIndexError(
                f"{self.embedder.name} made a vector of shape {vector.shape} for an index of {dimensions} dimensions"
            )
        if dimensions is None:
            with self.store.transaction():
                self.store.note("dimensions", len(vector))
                self.store.note("model", self.embedder.name)
                self.store.note("model_identity", self.embedder.identity)
        length = float(np.linalg.norm(vector))
        if not (np.isfinite(length) and length):
            return "the model found no vector for it"
        return (vector / length).astype(VECTOR).tobytes()

    def _write_contents(self, encoded: Mapping[bytes, bytes | str]) -> None:
        self.store.change_many(
            "INSERT INTO contents (hash, vector, failure) VALUES (?, ?, ?)"
            " ON CONFLICT (hash) DO UPDATE SET vector = excluded.vector, failure = excluded.failure",
            [
                (content, None, result) if isinstance(result, str) else (content, result, None)
                for content, result in encoded.items()
            ],
        )

    def _write_photo(self, path: str, content: Content, number: int, *, new: bool, failure: str | None) -> None:
        folder, name = key_of(path)
        before = self.store.rows("SELECT content FROM photos WHERE folder = ? AND name = ?", (folder, name))
        self.store.change_many(
            "INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, NULL)",
            [(folder, name, content.size, content.changed, number)],
        )
        gone = [] if new else self._gone(number)
        self.store.change_many("DELETE FROM photos WHERE folder = ? AND name = ?", gone)
        self.missing.difference_update(gone)
        if failure is not None:
            self.done.failures[path] = failure
        elif before:
            self.done.changed += before[0][0] != number
            self.done.unchanged += before[0][0] == number
        elif gone:
            self.done.moved += 1
        else:
            self.done.added += 1

    def _gone(self, content: int) -> list[Key]:
        """Return the places where files with this content were and are no more."""
        rows = self.store.rows("SELECT folder, name FROM photos WHERE content = ?", (content,))
        return [
            (folder, name)
            for folder, name in rows
            if not os.path.lexists(os.path.join(os.fsdecode(folder), os.fsdecode(name)))
        ]
