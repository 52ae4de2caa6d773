"""A raw photo in DNG: the values behind a mosaic of colour filters, and the camera's JPEG beside them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

_FORMS = {1: "B", 3: "H", 4: "I", 5: "II", 10: "ii"}
_XYZ_TO_SRGB = (32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572)
Entry = tuple[int, int, bytes | Sequence[int]]
"""Tag, type and values; those of fractions are numerators and denominators."""


def dng(pixels: np.ndarray, *, preview: bytes | None = None, orientation: int = 1) -> bytes:
    """Return a DNG file whose sensor saw ``(H, W, 3)`` uint8 through red, green, green and blue filters.

    Args:
        preview: a JPEG file, which then is the first picture of the file.
        orientation: of EXIF.
    """
    height, width = pixels.shape[:2]
    linear = ((pixels / 255) ** 2.2 * 65535).astype(np.uint16)
    mosaic = linear[:, :, 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = linear[::2, ::2, 0], linear[1::2, 1::2, 2]
    camera: list[Entry] = [
        (271, 2, b"Toy\0"),
        (272, 2, b"Toy Camera\0"),
        (274, 3, [orientation]),
        (50706, 1, [1, 4, 0, 0]),
        (50708, 2, b"Toy Camera\0"),
        (50721, 10, [number for value in _XYZ_TO_SRGB for number in (value, 10_000)]),
        (50728, 5, [1, 1] * 3),
        (50778, 3, [21]),
    ]

    def sensor(data_at: int) -> list[Entry]:
        return [
            *_picture(width, height, [16], 1, 32803, data_at, mosaic.nbytes),
            (254, 4, [0]),
            (33421, 3, [2, 2]),
            (33422, 1, [0, 1, 1, 2]),
            (50717, 4, [65535]),
        ]

    if preview is None:
        data_at = 8 + len(_directory([*sensor(0), *camera], 8))
        return _HEAD + _directory([*sensor(data_at), *camera], 8) + mosaic.tobytes()
    size = Image.open(io.BytesIO(preview)).size

    def first(sensor_at: int, preview_at: int) -> list[Entry]:
        picture = _picture(*size, [8, 8, 8], 7, 6, preview_at, len(preview))
        return [*picture, (254, 4, [1]), (330, 4, [sensor_at]), *camera]

    sensor_at = 8 + len(_directory(first(0, 0), 8))
    data_at = sensor_at + len(_directory(sensor(0), sensor_at))
    directories = _directory(first(sensor_at, data_at + mosaic.nbytes), 8) + _directory(sensor(data_at), sensor_at)
    return _HEAD + directories + mosaic.tobytes() + preview


_HEAD = b"II*\0" + struct.pack("<I", 8)


def _picture(
    width: int, height: int, bits: list[int], compression: int, colours: int, at: int, length: int
) -> list[Entry]:
    return [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, bits),
        (259, 3, [compression]),
        (262, 3, [colours]),
        (273, 4, [at]),
        (277, 3, [len(bits)]),
        (278, 4, [height]),
        (279, 4, [length]),
    ]


def _directory(entries: list[Entry], at: int) -> bytes:
    """Return a directory of TIFF that stands at an offset, with the values that do not fit into it after it."""
    values_at, fields, values = at + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, content in sorted(entries):
        if isinstance(content, bytes):
            data, count = content, len(content)
        else:
            form = _FORMS[kind]
            data = struct.pack(f"<{len(content) // len(form) * form}", *content)
            count = len(content) // len(form)
        if len(data) > 4:
            offset = struct.pack("<I", values_at + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            offset = data.ljust(4, b"\0")
        fields += struct.pack("<HHI", tag, kind, count) + offset
    return struct.pack("<H", len(entries)) + fields + bytes(4) + values
