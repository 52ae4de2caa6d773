"""Moments of indexed films: a frame of each shot is encoded like a photo, and found with the second it is shown at.

A moment is a content of the index with a vector of its own, under a hash of the film's and the time; the first one has
the film's. They lie in a table that an index gets with its first film.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.errors import PhotoError, UsageError, VideoError
from seetell.extras import is_installed
from seetell.photos.formats import is_photo_name
from seetell.video.endings import is_only_video_name
from seetell.video.frames import open_video
from seetell.video.shots import shots_of

if TYPE_CHECKING:
    from seetell.search.store import Store
    from seetell.tasks.retrieval.embedder import Embedder

LONGEST = 8.0
"""Seconds of a shot after which it gets a further moment."""

MOST = 3
"""Of a film that a search finds."""

BATCH = 16
"""Frames encoded at once."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS moments ("
    " content INTEGER PRIMARY KEY,"  # of the moment; a film's own is that of its first
    " film INTEGER NOT NULL,"  # content of the file
    " seconds REAL NOT NULL,"
    " count INTEGER NOT NULL,"  # of the film's moments
    " checksum INTEGER NOT NULL)",  # of the columns before
    "CREATE INDEX IF NOT EXISTS moments_of_film ON moments (film)",
)

_SOUND = (
    "((typeof(film) = 'integer' AND typeof(seconds) = 'real' AND typeof(count) = 'integer')"
    " AND checksum IS checksum(CAST(content AS INTEGER), CAST(film AS INTEGER), CAST(seconds AS REAL),"
    " CAST(count AS INTEGER)) AND content IN (SELECT id FROM contents)"
    " AND count = (SELECT count(*) FROM moments AS others WHERE others.film = moments.film)) IS 1"
)
"""Whether a row is as it was written, and the film has all its others."""


def is_indexed_name(path: str) -> bool:
    """Return whether a file's name is that of a photo, or of a film where films can be read."""
    return is_photo_name(path) or is_film(path)


def is_film(path: str) -> bool:
    """Return whether a file's name is that of a film, and films can be read."""
    return is_only_video_name(path) and is_installed("video")


def read_film(path: str, embedder: Embedder[Any]) -> tuple[list[tuple[float, np.ndarray]], str]:
    """Encode a frame of each shot of a film.

    Args:
        path: of the film.
        embedder: of the index.

    Returns:
        For each the second it is shown at and its vector ``(D,)``; and what is wrong with the film, which may leave
        none, or be empty.
    """
    moments: list[tuple[float, np.ndarray]] = []
    try:
        with open_video(path) as video:
            parts = shots_of(video, video.fps, longest=LONGEST, end=lambda: video.end)
            frames = (part.spread(1)[0] for part in parts)
            while batch := list(islice(frames, BATCH)):
                vectors = embedder.photo_vectors([frame.image for frame in batch])
                for frame, vector in zip(batch, vectors, strict=True):
                    if not isinstance(vector, PhotoError):
                        moments.append((frame.seconds, vector))
            return moments, video.problem
    except (VideoError, UsageError) as error:
        return moments, str(error).removeprefix(f"{path}: ")


def write_moments(store: Store, film: bytes, moments: Sequence[tuple[float, bytes]]) -> None:
    """Write the moments of a film whose content is in the index, within a transaction.

    Args:
        store: opened for writing.
        film: hash of its content.
        moments: second and vector of each, at least one.
    """
    for statement in _SCHEMA:
        store.rows(statement)
    hashes = [film, *(hashlib.sha256(film + struct.pack("<d", seconds)).digest() for seconds, _ in moments[1:])]
    store.write_contents([(content, vector, None) for content, (_, vector) in zip(hashes, moments, strict=True)])
    numbers = [store.contents([content])[content][0] for content in hashes]
    store.change_many(
        "INSERT OR REPLACE INTO moments VALUES (?1, ?2, ?3, ?4, checksum(?1, ?2, ?3, ?4))",
        [
            (number, numbers[0], float(seconds), len(moments))
            for number, (seconds, _) in zip(numbers, moments, strict=True)
        ],
    )


def moment_of(store: Store, content: int) -> tuple[int, float] | None:
    """Return the film of a moment, as the content of its file, and the second; ``None`` of a photo.

    Raises:
        PhotoIndexError: the entry is damaged.
    """
    if not store.has_table("moments"):
        return None
    for film, seconds, sound in store.rows(
        f"SELECT film, seconds, {_SOUND} FROM moments WHERE content = ?", (content,)
    ):
        if not sound:
            raise store.unsound()
        return film, seconds
    return None


def damaged_moments(store: Store) -> int:
    """Return how many moments are not as they were written."""
    if not store.has_table("moments"):
        return 0
    return int(store.rows(f"SELECT count(*) FROM moments WHERE NOT {_SOUND}")[0][0])


def remove_damaged_films(store: Store) -> None:
    """Remove the contents of films some of whose moments are not as they were written, within a transaction."""
    if not store.has_table("moments"):
        return
    unsound = f"(SELECT film FROM moments WHERE NOT {_SOUND})"
    of_them = store.rows(f"SELECT content FROM moments WHERE film IN {unsound} OR NOT {_SOUND}")
    store.change_many("DELETE FROM contents WHERE id = ?", of_them)
    store.change_many("DELETE FROM moments WHERE content = ?", of_them)


def remove_unused_contents(store: Store) -> None:
    """Remove the contents that no file has any more, within a transaction."""
    used = "SELECT content FROM photos"
    if store.has_table("moments"):
        store.change_many(f"DELETE FROM moments WHERE film NOT IN ({used})", [()])
        used += " UNION SELECT content FROM moments"
    store.change_many(f"DELETE FROM contents WHERE id NOT IN ({used})", [()])
