"""Encoder features on disk, so that training does not run the encoder again.

One folder a (weights, preprocessing, shape of a record): ``features.bin`` holds fixed-size float16 records, appended in
the order photos were first met; ``index.jsonl`` says which photo each record belongs to and is written after its record
has reached the disk. A killed run therefore loses at most one batch, and photos added later are appended.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from seetell.errors import DataError, PhotoError
from seetell.photos import Preprocessing, open_photo

Encode = Callable[[np.ndarray], np.ndarray]


class FeatureCache:
    """Features of photos, keyed by encoder weights and preprocessing.

    Args:
        folder: where caches live; this one takes a sub-folder named by its key.
        weights_hash: identifies the weights that features are computed with.
        preprocessing: how photos become the encoder's input.
        shape: of the features of one photo.
        flips: keep the features of the mirrored photo too.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        weights_hash: str,
        preprocessing: Preprocessing,
        shape: tuple[int, ...],
        flips: bool = False,
    ) -> None:
        self.shape = (2 if flips else 1, *shape)
        description = {
            "weights": weights_hash,
            "preprocessing": preprocessing.to_dict(),
            "shape": list(self.shape),
            "dtype": "float16",
        }
        key = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = Path(folder) / key
        self.preprocessing = preprocessing
        self._record_bytes = int(np.prod(self.shape)) * np.dtype(np.float16).itemsize
        self._rows: dict[str, int] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "cache.json").write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"feature cache: cannot write in {self.folder}: {error}") from error
        self._read_index()

    @property
    def _records_path(self) -> Path:
        return self.folder / "features.bin"

    @property
    def _index_path(self) -> Path:
        return self.folder / "index.jsonl"

    def _read_index(self) -> None:
        """Take every index line whose record is complete; of two that name one record, the later.

        A torn line, or one whose record is not complete, is what a killed run leaves.
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
        """Return the record number of each photo, ``(N,)`` int64.

        Raises:
            DataError: a photo has no features here; :meth:`fill` it first.
        """
        try:
            return np.array([self._rows[photo_identity(photo)] for photo in photos], dtype=np.int64)
        except KeyError as error:
            raise DataError(
                f"feature cache: no features of {error.args[0]!r} in {self.folder}; fill it first"
            ) from error

    def open(self) -> np.ndarray:
        """Map the records into memory, ``(N, views, *shape)`` float16, read-only; view 1 is the mirror image."""
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
        """Encode the photos that are not here yet.

        Args:
            photos: the photo files wanted.
            encode: maps images ``(B, 3, H, W)`` to features ``(B, *shape)``.
            batch_size: photos a call of ``encode``.
            progress: told after each batch how many of how many missing photos are done.

        Returns:
            The photos that could not be opened, and why.
        """
        failures: dict[Path, str] = {}
        if all(photo in self for photo in photos):
            return failures  # nothing to write, so others may be filling
        with self._locked():
            self._read_index()
            missing = [photo for photo in dict.fromkeys(photos) if photo not in self]
            next_row = max(self._rows.values(), default=-1) + 1
            with (
                open(self._records_path, "ab") as records,
                open(self._index_path, "a", encoding="utf-8") as index,
            ):
                records.truncate(next_row * self._record_bytes)
                index.write("\n")  # ends the line that a killed run may have left
                for done, batch in self._loaded(missing, batch_size):
                    failures.update((photo, str(item)) for photo, item in batch if isinstance(item, PhotoError))
                    images = {photo: item for photo, item in batch if not isinstance(item, PhotoError)}
                    if images:
                        records.write(self._encode(np.stack(list(images.values())), encode))
                        _to_disk(records)
                        for photo in images:
                            identity = photo_identity(photo)
                            index.write(json.dumps({"row": next_row, "photo": identity}, ensure_ascii=False) + "\n")
                            self._rows[identity] = next_row
                            next_row += 1
                        _to_disk(index)
                    if progress is not None:
                        progress(done, len(missing))
        return failures

    def _loaded(
        self, photos: Sequence[Path], batch_size: int
    ) -> Iterator[tuple[int, list[tuple[Path, np.ndarray | PhotoError]]]]:
        """Yield the photos opened in batches, and how many that makes; the next batch opens meanwhile in a thread."""
        with ThreadPoolExecutor(1) as reader:
            upcoming = reader.submit(self._load, photos[:batch_size])
            for done in range(batch_size, len(photos) + batch_size, batch_size):
                current = upcoming
                upcoming = reader.submit(self._load, photos[done : done + batch_size])
                yield min(done, len(photos)), current.result()

    def _load(self, batch: Sequence[Path]) -> list[tuple[Path, np.ndarray | PhotoError]]:
        size = (self.preprocessing.width, self.preprocessing.height)
        loaded: list[tuple[Path, np.ndarray | PhotoError]] = []
        for photo in batch:
            try:
                loaded.append((photo, self.preprocessing(open_photo(photo, at_least=size))))
            except PhotoError as error:
                loaded.append((photo, error))
        return loaded

    def _encode(self, images: np.ndarray, encode: Encode) -> bytes:
        """Encode ``(B, 3, H, W)`` and its mirror images where wanted; return the records' bytes."""
        records = np.empty((len(images), *self.shape), np.float16)
        for view, batch in enumerate([images, images[..., ::-1]][: self.shape[0]]):
            records[:, view] = encode(np.ascontiguousarray(batch))
        return records.tobytes()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time write; the lock goes with the process that held it."""
        with open(self.folder / "lock", "w") as lock:
            try:
                import fcntl
            except ImportError:  # Windows: no advisory locks there; a second writer is the user's care
                yield
                return
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DataError(f"feature cache: another process is filling {self.folder}; wait for it") from error
            yield


def photo_identity(photo: Path) -> str:
    """Identify a photo file by its absolute path, size and time of change: an edited file is another photo."""
    try:
        status = os.stat(photo)
    except OSError:
        return f"{photo.absolute()}|missing"
    return f"{photo.absolute()}|{status.st_size}|{status.st_mtime_ns}"


def _to_disk(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
