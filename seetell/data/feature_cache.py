"""A cache of encoder features on disk, so that training does not run the encoder again.

One folder for each combination of weights, preprocessing and record shape: ``features.bin`` contains fixed-size float16
records, in the order photos were first encoded; ``index.jsonl`` maps photos to records and is written after the record
is on disk. A killed run therefore loses at most one batch, and photos added later are appended.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from seetell.atomic_write import atomic_file
from seetell.errors import DataError, PhotoError
from seetell.file_lock import FileLock, LockedError
from seetell.photos import Preprocessing, open_photo
from seetell.photos.preprocessing import largest

Encode = Callable[..., np.ndarray]
"""Maps images ``(B, 3, H, W)``, once for each way of preprocessing, to features ``(B, *shape)``."""

PATIENCE = 30.0
"""Seconds that a process waits for another one, which may open again what cannot be opened, as it does itself."""

Images = tuple[np.ndarray, ...]
Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


class FeatureCache:
    """Features of photos, keyed by encoder weights and preprocessing.

    Args:
        folder: folder of all caches; this one is in a subfolder named by its key.
        weights_hash: hash of the encoder's weights.
        preprocessing: preprocessing of the encoder's input, or of its several inputs.
        shape: shape of the features of one photo.
        flips: also store the features of the mirrored photo.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        weights_hash: str,
        preprocessing: Preprocessing | Sequence[Preprocessing],
        shape: tuple[int, ...],
        flips: bool = False,
    ) -> None:
        self.shape = (2 if flips else 1, *shape)
        self._ways = (preprocessing,) if isinstance(preprocessing, Preprocessing) else tuple(preprocessing)
        described = [way.to_dict() for way in self._ways]
        description = {
            "weights": weights_hash,
            "preprocessing": described[0] if isinstance(preprocessing, Preprocessing) else described,
            "shape": list(self.shape),
            "dtype": "float16",
        }
        key = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = Path(folder) / key
        self._record_bytes = int(np.prod(self.shape)) * np.dtype(np.float16).itemsize
        self._rows: dict[str, int] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_file(self.folder / "cache.json") as file:
                file.write((json.dumps(description, indent=1) + "\n").encode())
        except OSError as error:
            raise DataError(
                f"feature cache: cannot write in {self.folder} ({error.strerror}); name another folder"
            ) from error
        self._read_index()

    @property
    def _records_path(self) -> Path:
        return self.folder / "features.bin"

    @property
    def _index_path(self) -> Path:
        return self.folder / "index.jsonl"

    def _read_index(self) -> None:
        """Read every index line whose record is complete; of two lines of one record the later counts.

        A killed run may leave a truncated line, or one whose record is incomplete.
        """
        self._rows = {}
        if not self._index_path.exists() or not self._records_path.exists():
            return
        photos: dict[int, str] = {}
        complete = self._records_path.stat().st_size // self._record_bytes
        for line in self._index_path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                row, photo = int(entry["row"]), str(entry["photo"])
            except (ValueError, KeyError, TypeError):
                continue
            if row < complete:
                photos[row] = photo
        self._rows = {photo: row for row, photo in photos.items()}

    def __contains__(self, photo: Path) -> bool:
        return photo_identity(photo) in self._rows

    def rows(self, photos: Sequence[Path]) -> np.ndarray:
        """Return the index of each photo's record, ``(N,)`` int64.

        Raises:
            DataError: a photo has no features yet; call :meth:`fill` first.
        """
        try:
            return np.array([self._rows[photo_identity(photo)] for photo in photos], dtype=np.int64)
        except KeyError as error:
            raise DataError(
                f"feature cache: no features of {error.args[0]!r} in {self.folder}; fill it first"
            ) from error

    def open(self) -> np.ndarray:
        """Map the records into memory, ``(N, views, *shape)`` float16, read-only; view 1 is the mirrored photo."""
        count = self._records_path.stat().st_size // self._record_bytes
        return np.memmap(self._records_path, np.float16, "r", shape=(count, *self.shape))

    def fill(
        self,
        photos: Sequence[Path],
        encode: Encode,
        *,
        batch_size: int = 16,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[Path, str]:
        """Encode the photos that are not in the cache yet.

        Args:
            photos: files of the needed photos.
            encode: see :data:`Encode`.
            batch_size: photos per call of ``encode``.
            progress: called after each batch with the number of photos done and the number of missing ones.

        Returns:
            The photos that could not be opened, and why.
        """
        failures: dict[Path, str] = {}
        if all(photo in self for photo in photos):
            return failures  # nothing to write: another process may be writing
        with self._locked():
            self._read_index()
            missing = [photo for photo in dict.fromkeys(photos) if photo not in self]
            next_row = max(self._rows.values(), default=-1) + 1
            with open(self._records_path, "ab") as records, open(self._index_path, "a", encoding="utf-8") as index:
                records.truncate(next_row * self._record_bytes)
                index.write("\n")  # ends a truncated line of a killed run
                batches = [missing[start : start + batch_size] for start in range(0, len(missing), batch_size)]
                for number, batch in enumerate(prefetch(batches, self._load), 1):
                    failures.update((photo, str(item)) for photo, item in batch if isinstance(item, PhotoError))
                    images = {photo: item for photo, item in batch if not isinstance(item, PhotoError)}
                    if images:
                        records.write(self._encode(list(images.values()), encode))
                        _sync(records)
                        for photo in images:
                            identity = photo_identity(photo)
                            index.write(json.dumps({"row": next_row, "photo": identity}, ensure_ascii=False) + "\n")
                            self._rows[identity] = next_row
                            next_row += 1
                        _sync(index)
                    if progress is not None:
                        progress(min(number * batch_size, len(missing)), len(missing))
        return failures

    def _load(self, batch: Sequence[Path]) -> list[tuple[Path, Images | PhotoError]]:
        loaded: list[tuple[Path, Images | PhotoError]] = []
        for photo in batch:
            try:
                opened = open_photo(photo, at_least=largest(self._ways))
                loaded.append((photo, tuple(way(opened) for way in self._ways)))
            except PhotoError as error:
                loaded.append((photo, error))
        return loaded

    def _encode(self, images: Sequence[Images], encode: Encode) -> bytes:
        """Encode images and, with flips, their mirror images; return the bytes of the records."""
        batches = [np.stack(batch) for batch in zip(*images, strict=True)]
        records = np.empty((len(images), *self.shape), np.float16)
        for view in range(self.shape[0]):
            seen = [np.ascontiguousarray(batch[..., ::-1]) if view else batch for batch in batches]
            records[:, view] = encode(*seen)
        return records.tobytes()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time write; the lock is released when its process ends."""
        started = time.monotonic()
        while True:
            try:
                lock = FileLock(self.folder / "lock")
                break
            except LockedError as error:
                if time.monotonic() - started > PATIENCE:
                    raise DataError(f"feature cache: another process is filling {self.folder}; wait for it") from error
                time.sleep(0.1)
            except OSError as error:
                raise DataError(
                    f"feature cache: cannot write in {self.folder} ({error.strerror}); name another folder"
                ) from error
        try:
            yield
        finally:
            lock.release()


def prefetch(items: Sequence[Item], prepare: Callable[[Item], Prepared]) -> Iterator[Prepared]:
    """Yield ``prepare(item)`` for each item in order, preparing the next one meanwhile in a thread."""
    with ThreadPoolExecutor(1) as worker:
        upcoming = worker.submit(prepare, items[0]) if items else None
        for place in range(len(items)):
            assert upcoming is not None
            current = upcoming
            upcoming = worker.submit(prepare, items[place + 1]) if place + 1 < len(items) else None
            yield current.result()


def photo_identity(photo: Path) -> str:
    """Return a photo file's absolute path, size and modification time: an edited file is another photo."""
    try:
        status = os.stat(photo)
    except OSError:
        return f"{photo.absolute()}|missing"
    return f"{photo.absolute()}|{status.st_size}|{status.st_mtime_ns}"


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
