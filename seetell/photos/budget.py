"""How much memory a photo may take while it is decoded, and all that are being decoded together."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import ImageFile

from seetell.errors import PhotoError
from seetell.photos.colour import is_rgb
from seetell.photos.formats import JPEG_XL, RAW

DECODE_BYTES = 512 * 2**20
"""Memory that decodes in progress take together; a photo that needs more is decoded alone."""

LARGE_BYTES = 256 * 2**20
"""Memory that any photo may take while it is decoded; one that takes more must be large as a file, too."""
LEAST_BITS = {
    "JPEG": 0.05,
    "MPO": 0.05,
    "WEBP": 0.02,
    "AVIF": 0.02,
    "JPEG2000": 0.02,
    "HEIF": 0.02,
    JPEG_XL.name: 0.02,
    RAW.name: 1.0,
}
LEAST_BITS_LOSSLESS = 0.25
"""Bits of a file for each pixel of a photo that is larger than ``LARGE_BYTES``; sound photos have ten times as many."""
MAX_BYTES = 3 * 2**29
"""Most memory that is taken for one photo."""


class DecodeBudget:
    """Memory that threads share: each takes what its photo needs, and waits in turn until that is free.

    Args:
        size: in bytes. A photo that needs more waits until it is the only one.
    """

    def __init__(self, size: int = DECODE_BYTES) -> None:
        self._size = size
        self._used = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, need: int) -> Iterator[None]:
        """Hold so many bytes while the block runs."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is turn and self._fits(need))
                self._used += need
            finally:  # also when it is interrupted
                self._waiting.remove(turn)
                self._changed.notify_all()  # the next in turn may fit as well
        try:
            yield
        finally:
            with self._changed:
                self._used -= need
                self._changed.notify_all()

    def _fits(self, need: int) -> bool:
        return not self._used or self._used + need <= self._size


def memory_needed(photo: ImageFile.ImageFile, pixels: int, coded: int) -> int:
    """Return about how many bytes are needed to decode a photo and to make RGB of it.

    Args:
        photo: of which the header was read.
        pixels: that are decoded.
        coded: in the file.
    """
    depth = 1 if photo.mode in ("1", "L", "P") else 2 if photo.mode.startswith("I;16") else 4
    need = pixels * (depth if is_rgb(photo) else depth + 4)
    layers = getattr(photo, "layer", None)
    if photo.info.get("progressive") and layers:  # coefficients of 16 bits, fewer where colours are coarser
        across, down = max(layer[1] for layer in layers), max(layer[2] for layer in layers)
        need += 2 * coded * sum(layer[1] * layer[2] for layer in layers) // max(1, across * down)
    elif photo.format == "WEBP":
        need += 12 * pixels  # its canvas, the frame before, and the bytes that Pillow takes over
    elif photo.format in ("AVIF", "HEIF"):
        need += 6 * pixels
    elif photo.format == "JPEG2000":
        need += 4 * len(photo.getbands()) * pixels  # integers of 32 bits
    return need


def check_memory(need: int, image_format: str, coded: int, name: str, file: BinaryIO) -> None:
    """Refuse a photo that takes too much memory, or much more than its file has room for.

    Args:
        need: memory for decoding, in bytes.
        image_format: Pillow's name of it, or that of another format.
        coded: pixels in the file.
        name: for the message.
        file: the photo.

    Raises:
        PhotoError: it does.
    """
    if need > MAX_BYTES:
        raise PhotoError(
            f"{name}: takes {need // 2**20:,} MB of memory to decode; at most {MAX_BYTES // 2**20:,} MB are taken; "
            "make it smaller"
        )
    if need > LARGE_BYTES:
        least = int(coded * LEAST_BITS.get(image_format, LEAST_BITS_LOSSLESS) / 8)
        length = length_of(file)
        if length < least:
            raise PhotoError(
                f"{name}: {coded // 10**6} million pixels in {length // 1000:,} kB are no photo; "
                f"one so large has at least {least // 1000:,} kB"
            )


def is_free(size: int) -> bool:
    """Return whether so many bytes of memory are to be had."""
    try:
        bytearray(size)
    except MemoryError:
        return False
    return True


def length_of(file: BinaryIO) -> int:
    """Return the size of a file in bytes, whose position stays."""
    here = file.tell()
    length = file.seek(0, os.SEEK_END)
    file.seek(here)
    return length
