"""Photos of an index, found by sentences: shown as thumbnails, under keys that reveal nothing of this machine."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from seetell.errors import PhotoError, UsageError, VideoError
from seetell.search.photo_index import Hit, PhotoIndex, sought_by_looks
from seetell.video.frames import frame_at
from seetell.web.errors import ApiError
from seetell.web.photo_workers import PhotoWorkers

if TYPE_CHECKING:
    from seetell.tasks.retrieval.embedder import Embedder

MAX_REMEMBERED = 10_000
"""Most recently found photos whose thumbnails can be fetched."""

SIDE = 480
"""Longest side of a thumbnail, in pixels."""


class IndexedPhotos:
    """An index as the server shows it: only thumbnails, and only of photos that a search found.

    Args:
        location: the index's folder.
        embedder: the model that the index was made with.
    """

    def __init__(self, location: str | Path, embedder: Embedder[Any]) -> None:
        self._location, self.embedder = location, embedder
        self._index = PhotoIndex(location, embedder)
        self._secret = secrets.token_bytes(32)
        self._found: OrderedDict[str, Hit] = OrderedDict()

    def check(self) -> int:
        """Return how many photos can be found in the index as it is now.

        Raises:
            PhotoIndexError: there is no index, it is damaged, or another model made it.
        """
        with PhotoIndex(self._location, self.embedder) as index:
            return len(index)

    def reading(self, sentence: str, hits: Sequence[Hit]) -> dict[str, Any]:
        """Return the JSON fields of how the model read a sentence, if it mattered to a hit; on any thread."""
        return self.embedder.read_query(sentence).to_dict() if sought_by_looks(hits) else {}

    def search(self, queries: Sequence[tuple[str, int]]) -> list[list[Hit] | Exception]:
        """Find photos for each of several queries, a sentence and a number of photos; for one thread."""
        found: list[list[Hit] | Exception] = []
        for sentence, top in queries:
            try:
                found.append(self._index.search(sentence, top=top))
            except UsageError as error:  # nothing in it is written in a photo or known to the model
                found.append(ApiError(422, "unknown_words", str(error)))
            except Exception as error:  # fails this query alone
                self._index.close()  # opened again by the next, in case that it was mended
                found.append(error)
        return found

    def row(self, hit: Hit) -> dict[str, Any]:
        """Return the JSON row of a hit, and remember the photo.

        Returns:
            ``image``, its name without its folder, ``score``, ``copies`` and ``photo``, the address of its thumbnail;
            of a film, ``seconds``, too; and ``written``, the lines that have the words of the search, if they are
            written in the photo.
        """
        name = os.fsencode(hit.photo) + (b"" if hit.seconds is None else b"\0%r" % hit.seconds)
        key = hashlib.blake2b(name, key=self._secret, digest_size=16).hexdigest()
        self._found[key] = hit
        self._found.move_to_end(key)
        if len(self._found) > MAX_REMEMBERED:
            self._found.popitem(last=False)
        copies = [_name(copy) for copy in hit.copies]
        moment = {} if hit.seconds is None else {"seconds": round(hit.seconds, 3)}
        return {
            "image": _name(hit.photo),
            **moment,
            "score": round(hit.score, 6),
            "copies": copies,
            "photo": f"/v1/photos/{key}",
            **({"written": hit.written} if hit.written else {}),
        }

    def thumbnail(self, key: str, workers: PhotoWorkers) -> bytes | None:
        """Return a JPEG of a photo that was found, or ``None`` if none has this key.

        Args:
            key: that :meth:`row` gave.
            workers: open it.

        Raises:
            PhotoError: it cannot be used, or no longer exists.
        """
        hit = self._found.get(key)
        if hit is None:
            return None
        try:
            if hit.seconds is None:
                photo = Image.fromarray(workers.open(hit.photo, side=SIDE).pixels)
            else:
                photo = Image.fromarray(frame_at(hit.photo, hit.seconds))
                photo.thumbnail((SIDE, SIDE))
        except (PhotoError, VideoError, UsageError) as error:
            raise PhotoError(f"{_name(hit.photo)} can no longer be shown") from error
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=82)
        return file.getvalue()

    def close(self) -> None:
        """Close the index; on the thread that searched."""
        self._index.close()


def _name(path: str) -> str:
    return os.path.basename(path).encode(errors="replace").decode()
