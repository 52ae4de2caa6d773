"""Update the index from folders: new and changed files are read, and only new contents are encoded.

Photos are processed in batches, and each batch is written to disk whole or not at all: whatever stops an update, the
next one resumes where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.errors import PhotoError, PhotoIndexError
from seetell.photos.formats import SkippedFiles
from seetell.regular_file import NotRegularError, open_regular
from seetell.search.moments import is_film, read_film, remove_unused_contents, write_moments
from seetell.search.scan import Key, key_of, scan
from seetell.search.store import VECTOR, Store

if TYPE_CHECKING:
    from seetell.tasks.retrieval.embedder import Embedder

BATCH = 64
"""Photos that may have to be encoded again after an interruption."""

REMEMBERED = 30 * 24 * 3600.0
"""Seconds for which a missing photo's vector is kept, in case it was moved or its disk is mounted again."""

_BLOCK = 1 << 20  # bytes read at a time

Progress = Callable[[int, int], None]
"""Called with the number of photos done and the number to be read."""


Encoded = bytes | list[tuple[float, bytes]] | str
"""The vector of a photo, the moments of a film with theirs, or the reason why there is none."""


@dataclass(frozen=True)
class Content:
    """The state of a file when it was read.

    Attributes:
        hash: SHA-256 of its bytes.
        size: in bytes.
        changed: modification time in nanoseconds.
    """

    hash: bytes
    size: int
    changed: int

    @classmethod
    def read(cls, path: str) -> Content:
        """Read a file.

        Raises:
            FileNotFoundError: it is not there.
            PhotoError: it cannot be read, or is a pipe or device.
        """
        try:
            with open_regular(path) as file:
                status, digest = os.fstat(file.fileno()), hashlib.sha256()
                while block := file.read(_BLOCK):
                    digest.update(block)
        except FileNotFoundError:
            raise
        except NotRegularError as error:
            raise PhotoError(f"{path}: is not a file; expected a photo") from error
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read ({error.strerror})") from error
        return cls(digest.digest(), status.st_size, status.st_mtime_ns)

    def is_still(self, path: str) -> bool:
        """Return whether the file has not changed since."""
        try:
            status = os.stat(path)
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed)


@dataclass
class Update:
    """Counts of an update.

    Attributes:
        added: new photos.
        changed: photos whose content has changed.
        moved: photos with a new name or folder.
        unchanged: unchanged photos, including those that could not be used before.
        failed_before: number of those; they are retried when they change.
        missing: photos that no longer exist.
        encoded: contents encoded by the model.
        with_words: photos that were read in this update, and in which something is written.
        failures: files and folders that could not be used in this update, and why.
        damaged: films that could be used in part, and what is wrong with them.
        skipped_files: number of files in folders that are no photos, by name ending.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    failed_before: int = 0
    missing: int = 0
    encoded: int = 0
    with_words: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    skipped_files: SkippedFiles = field(default_factory=SkippedFiles, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return dict(vars(self))


def update(
    store: Store,
    embedder: Embedder[Any],
    roots: Iterable[str],
    *,
    retry: bool = False,
    progress: Progress | None = None,
) -> Update:
    """Update a store from folders and files; other entries are kept.

    Args:
        store: opened for writing.
        embedder: the model that made its other vectors.
        roots: folders and files.
        retry: retry photos that could not be used before.
        progress: called after each batch.

    Raises:
        PhotoIndexError: the store cannot be written; earlier batches are kept.
    """
    found = scan(store, roots, retry=retry)
    done = Update(unchanged=found.unchanged, failed_before=found.failed_before, failures=found.failures)
    done.skipped_files = found.skipped_files
    with store.transaction():
        _note_missing(store, found.missing, time.time())
        _note_missing(store, found.back, None)
    missing = set(found.missing)
    taken = 0
    for batch in _batches(found.pending):
        _Run(store, embedder, done, missing, retry).take(batch)
        taken += len(batch)
        if progress is not None:
            progress(taken, len(found.pending))
    done.missing = len(missing)
    with store.transaction():
        store.change_many("DELETE FROM photos WHERE missing_since < ?", [(time.time() - REMEMBERED,)])
        if found.pending or found.missing:
            remove_unused_contents(store)
    return done


def _batches(pending: Sequence[str]) -> Iterator[list[str]]:
    """Yield the files that are processed together: a film alone, as it takes long."""
    batch: list[str] = []
    for path in pending:
        alone = is_film(path)
        if batch and (alone or len(batch) == BATCH):
            yield batch
            batch = []
        batch.append(path)
        if alone:
            yield batch
            batch = []
    if batch:
        yield batch


def _note_missing(store: Store, photos: Sequence[Key], since: float | None) -> None:
    checksum = "checksum(folder, name, size, changed, content, ?1)"
    statement = f"UPDATE photos SET missing_since = ?1, checksum = {checksum} WHERE folder = ?2 AND name = ?3"
    store.change_many(statement, [(since, *photo) for photo in photos])


@dataclass
class _Run:
    store: Store
    embedder: Embedder[Any]
    done: Update
    missing: set[Key]
    retry: bool

    def take(self, paths: Sequence[str]) -> None:
        """Read a batch of photos, encode the new contents and write everything in one transaction."""
        read = self._read(paths)
        hashes = [content.hash for content in read.values()]
        before = self.store.contents(hashes)
        known = {content for content, (_, failure) in before.items() if not (self.retry and failure)}
        new = {content.hash: path for path, content in reversed(read.items()) if content.hash not in known}
        encoded = self._encoded(new, read)
        with self.store.transaction():
            self._write(encoded)
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
                continue  # deleted since the scan; the next update finds it missing
            except PhotoError as error:
                self.done.failures[path] = str(error).removeprefix(f"{path}: ")
        return read

    def _encoded(self, new: Mapping[bytes, str], read: Mapping[str, Content]) -> dict[bytes, Encoded]:
        """Return what was made of each new content; none of a file that changed meanwhile."""
        if not new:
            return {}
        films = {content: self._of_film(path) for content, path in new.items() if is_film(path)}
        photos = [path for content, path in new.items() if content not in films]
        vectors = dict(zip(photos, self.embedder.photo_vectors(photos) if photos else [], strict=True))
        self.done.encoded += len(new)
        encoded: dict[bytes, Encoded] = {}
        for content, path in new.items():
            if not read[path].is_still(path):
                if os.path.lexists(path):
                    self.done.failures[path] = "was changed while it was read; run again"
            elif content in films:
                encoded[content] = films[content]
            else:
                vector = vectors[path]
                if isinstance(vector, PhotoError):
                    encoded[content] = str(vector).removeprefix(f"{path}: ")
                else:
                    encoded[content] = self._bytes(vector)
        return encoded

    def _of_film(self, path: str) -> Encoded:
        """Return the moments of a film, or why there are none."""
        moments, problem = read_film(path, self.embedder)
        if problem and moments:
            self.done.damaged[path] = problem
        made = [(seconds, self._bytes(vector)) for seconds, vector in moments]
        found = [(seconds, vector) for seconds, vector in made if isinstance(vector, bytes)]
        return found or problem or "none of its frames could be used"

    def _write(self, encoded: Mapping[bytes, Encoded]) -> None:
        """Write what was made of contents."""
        self.store.write_contents(
            [
                (content, None, made) if isinstance(made, str) else (content, made, None)
                for content, made in encoded.items()
                if not isinstance(made, list)
            ]
        )
        for content, made in encoded.items():
            if isinstance(made, list):
                write_moments(self.store, content, made)

    def _bytes(self, vector: np.ndarray) -> bytes | str:
        dimensions = self.store.get_metadata("dimensions")
        if vector.ndim != 1 or (dimensions or len(vector)) != len(vector):
            raise PhotoIndexError(
                f"{self.embedder.name} made a vector of shape {vector.shape} for an index of {dimensions} dimensions"
            )
        if dimensions is None:
            with self.store.transaction():
                self.store.set_metadata("dimensions", len(vector))
                self.store.set_metadata("model", self.embedder.name)
                self.store.set_metadata("model_identity", self.embedder.identity)
        length = float(np.linalg.norm(vector))
        if not (np.isfinite(length) and length):
            return "the model found no vector for it"
        return (vector / length).astype(VECTOR).tobytes()

    def _write_photo(self, path: str, content: Content, number: int, *, new: bool, failure: str | None) -> None:
        folder, name = key_of(path)
        before = self.store.rows("SELECT content FROM photos WHERE folder = ? AND name = ?", (folder, name))
        self.store.change_many(
            "INSERT OR REPLACE INTO photos VALUES (?1, ?2, ?3, ?4, ?5, NULL, checksum(?1, ?2, ?3, ?4, ?5, NULL))",
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
        """Return the keys of files with this content that no longer exist."""
        rows = self.store.rows("SELECT folder, name FROM photos WHERE content = ?", (content,))
        return [
            (folder, name)
            for folder, name in rows
            if not os.path.lexists(os.path.join(os.fsdecode(folder), os.fsdecode(name)))
        ]
