"""JPEG XL (ISO/IEC 18181), by libjxl (pillow-jxl-plugin, of the extra ``jxl``).

The plugin decodes a file as soon as it is opened; its size is read here beforehand, so that no memory is taken for a
file that claims to be huge.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from PIL import Image

from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos.iso_boxes import boxes

MAX_BOXES = 1000
"""Boxes of a container before the picture."""

HEADER = 64
"""Bytes of a codestream in which its size is found."""

BYTES_PER_PIXEL = 24
"""Memory for decoding: libjxl's three or four channels of 32 bits, and the pixels twice."""

_SIGNATURE = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIDE_BITS = (9, 13, 18, 30)


def photo_size(file: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels of the upright photo, from its header.

    Raises:
        PhotoError: there is no such header.
    """
    try:
        header = _codestream(file)
    except struct.error:
        header = b""
    if not header.startswith(_SIGNATURE):
        raise PhotoError("the file is cut short or damaged (no JPEG XL header)")
    bits = _Bits(header[2:])
    width, height = _side_lengths(bits)
    default = bits.read(1)
    turned = not default and bits.read(1) and bits.read(3) >= 4  # from 5 on, counted from 1, sides change places
    return (height, width) if turned else (width, height)


def decode(content: bytes) -> Image.Image | bytes:
    """Decode a file.

    Returns:
        The upright photo; or the JPEG file that it was made of without loss, which is yet to be decoded.

    Raises:
        PhotoError: it is damaged.
        PhotoFormatError: its pixels are of a kind that Pillow has no mode for.
    """
    from pillow_jxl import Decoder

    try:
        is_jpeg, info, data, *_ = Decoder(num_threads=0)(content)
    except RuntimeError as error:  # whose message is about builds of libjxl
        raise PhotoError("the file is cut short or damaged") from error
    if is_jpeg:
        return bytes(data)
    mode = {"F;16": "F"}.get(info.mode, info.mode)
    try:
        return Image.frombytes(mode, (info.width, info.height), bytes(data))
    except ValueError as error:
        raise PhotoFormatError(f"JPEG XL of the mode {info.mode} is not supported; save it as PNG or JPEG") from error


def _codestream(file: BinaryIO) -> bytes:
    """Return the first bytes of the codestream, which may be in a box of a container, or in several."""
    file.seek(0)
    start = file.read(HEADER)
    if start.startswith(_SIGNATURE):
        return start
    for box in boxes(file, MAX_BOXES):
        if box.kind == b"jxlc":
            return file.read(HEADER)
        if box.kind == b"jxlp":
            return file.read(4 + HEADER)[4:]
        if box.is_last:
            return b""
    raise PhotoError(f"the file has more than {MAX_BOXES:,} boxes before the picture, as no photo has")


class _Bits:
    """Reads numbers of bits, the least significant first."""

    def __init__(self, content: bytes) -> None:
        self._value, self._left = int.from_bytes(content, "little"), 8 * len(content)

    def read(self, count: int) -> int:
        if count > self._left:
            raise PhotoError("the file is cut short or damaged (its header ends early)")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value


def _side_lengths(bits: _Bits) -> tuple[int, int]:
    """Read width and height as they are coded: ``SizeHeader``."""

    def side() -> int:
        return 8 * (1 + bits.read(5)) if small else 1 + bits.read(_SIDE_BITS[bits.read(2)])

    small = bits.read(1)
    height = side()
    ratio = bits.read(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height
