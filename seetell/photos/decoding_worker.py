"""A process that opens photos for another one, so that it can be ended when a photo takes too long.

It reads requests from standard input and writes answers to standard output. Both are frames: the length of an object in
JSON, 4 bytes, most significant first; the object; and as many bytes of content as its ``bytes`` says. A request is the
content of a file, or its ``path``, and what to do with it. Before much memory is taken, the answer ``need`` asks for
it, and the next request grants it.
"""

from __future__ import annotations

import json
import signal
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from seetell.errors import PhotoError, PhotoFormatError, PhotoMemoryError
from seetell.photos import opening
from seetell.photos.budget import DecodeBudget
from seetell.photos.opening import open_photo, photo_size
from seetell.photos.preprocessing import Preprocessing, largest

ASKED_BYTES = 16 * 2**20
"""Memory that is taken without asking."""

KEPT_BYTES = 128 * 2**20
"""A process that took more ends after its answer, so that the memory is given back."""

ERRORS: Mapping[str, type[PhotoError]] = {
    "format": PhotoFormatError,
    "memory": PhotoMemoryError,
    "photo": PhotoError,
}
"""Errors by how they are called in an answer; the most special first."""


def write_frame(file: BinaryIO, head: Mapping[str, Any], content: bytes = b"") -> None:
    """Write an object and content.

    Raises:
        OSError: the other process has ended.
    """
    encoded = json.dumps({**head, "bytes": len(content)}).encode()
    file.write(struct.pack(">I", len(encoded)) + encoded)
    file.write(content)
    file.flush()


def read_frame(file: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read an object and content; ``None`` when the other process has ended."""
    length = file.read(4)
    if len(length) < 4:
        return None
    encoded = file.read(struct.unpack(">I", length)[0])
    try:
        head: dict[str, Any] = json.loads(encoded)
    except ValueError:  # cut short
        return None
    content = file.read(head["bytes"])
    return (head, content) if len(content) == head["bytes"] else None


class _AskedBudget(DecodeBudget):
    """Asks the other process for much memory, which it reserves until the answer."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        super().__init__()
        self._requests, self._answers = requests, answers
        self.most = 0

    @contextmanager
    def reserve(self, need: int) -> Iterator[None]:
        self.most = max(self.most, need)
        if need > ASKED_BYTES:
            _limit_time(0)
            write_frame(self._answers, {"need": need})
            granted = read_frame(self._requests)
            if granted is None:
                sys.exit()
            _limit_time(granted[0]["seconds"])
        yield


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the other process ends this one
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    opening.budget = budget = _AskedBudget(requests, answers)
    while (request := read_frame(requests)) is not None:
        head, content = request
        _limit_time(head["seconds"])
        try:
            answer, pixels = _opened(head, content)
        except PhotoError as error:
            kind = next(name for name, known in ERRORS.items() if isinstance(error, known))
            answer, pixels = {"error": str(error), "kind": kind}, b""
        except MemoryError:
            answer, pixels = {"error": "not enough memory to open it", "kind": "memory"}, b""
        del request, content
        _limit_time(0)
        last = budget.most > KEPT_BYTES
        write_frame(answers, {**answer, "last": last}, pixels)
        if last:
            return


def _opened(head: Mapping[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the size of a photo, and its pixels as the request asks for them, unless it has too many."""
    source: Any = head.get("path", content)
    size = photo_size(source)
    if head["max_pixels"] and size[0] * size[1] > head["max_pixels"]:
        return {"size": size, "too_large": True}, b""
    if head.get("preprocessings"):
        preprocessings = [Preprocessing(**values) for values in head["preprocessings"]]
        photo = open_photo(source, at_least=largest(preprocessings))
        views = [preprocessing.resize(photo) for preprocessing in preprocessings]
    else:
        side = head.get("side")
        photo = open_photo(source, at_least=(side, side) if side else None)
        if side:
            photo.thumbnail((side, side), Image.Resampling.BICUBIC)
        views = [np.asarray(photo)]
    return {"size": size, "shapes": [view.shape for view in views]}, b"".join(view.tobytes() for view in views)


def _limit_time(seconds: float) -> None:
    """Have the system end this process after so many seconds, whatever it is doing then; 0 for no limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
