"""Small files that were made to keep a picture's decoder busy for minutes, or to fill the memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

COLOUR = (9, 99, 200)


def encoded(photo: Image.Image, image_format: str, **options: Any) -> bytes:
    """Return a photo as a file's content."""
    file = io.BytesIO()
    photo.save(file, image_format, **options)
    return file.getvalue()


def _jpeg(parts: bytes) -> bytes:
    """Return a sound JPEG file with parts before its first segment."""
    sound = encoded(Image.new("RGB", (64, 64), COLOUR), "JPEG")
    return sound[:2] + parts + sound[2:]


def _segment(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body


def _progressive(size: tuple[int, int], scans: int) -> bytes:
    """Return a progressive JPEG file of so many scans in which nothing is."""
    content = bytearray(encoded(Image.new("RGB", (64, 64), COLOUR), "JPEG", progressive=True))
    at = content.index(b"\xff\xc2")
    content[at + 5 : at + 9] = struct.pack(">HH", *size[::-1])
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 1)
    end = second + 2 + struct.unpack_from(">H", content, second + 2)[0]
    return bytes(content[:second] + (content[second:end] + b"\0") * scans + b"\xff\xd9")


def _png(chunks: bytes) -> bytes:
    """Return a sound PNG file with chunks behind its header."""
    sound = encoded(Image.new("RGB", (64, 64), COLOUR), "PNG")
    return sound[:33] + chunks + sound[33:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _bmp(size: tuple[int, int], codes: bytes) -> bytes:
    """Return a run-length BMP file."""
    header = struct.pack("<IiiHHIIiiII", 40, *size, 1, 8, 1, len(codes), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(codes), 0, 0, 1078) + header + bytes(1024) + codes


def _gif(blocks: bytes) -> bytes:
    sound = encoded(Image.new("P", (64, 64)), "GIF")
    palette_end = 13 + (3 << ((sound[10] & 7) + 1))
    return sound[:palette_end] + blocks + sound[palette_end:]


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "exif-segments.jpg": lambda: _jpeg(_segment(0xE1, b"Exif\0\0x") * 900_000),
    "comments.jpg": lambda: _jpeg(_segment(0xFE, b"a") * 2_000_000),
    "tables.jpg": lambda: _jpeg(_segment(0xDB, b"\0" + bytes(64)) * 200_000),
    "fill-bytes.jpg": lambda: _jpeg(b"\xff" * 20_000_000),
    "empty-scans.jpg": lambda: _progressive((8000, 6000), 80_000),
    "flat-progressive.jpg": lambda: encoded(Image.new("RGB", (15_000, 15_000)), "JPEG", progressive=True),
    "comment-lines.ppm": lambda: b"P3\n1000 1000\n255\n" + b"#\n" * 8_000_000,
    "header-comments.ppm": lambda: b"P6\n" + b"#\n" * 8_000_000 + b"10 10\n255\n" + bytes(300),
    "odd-depth.ppm": lambda: b"P6\n2300 2300\n254\n" + bytes(3 * 2300**2),
    "plain.pgm": lambda: b"P2\n3000 3000\n255\n" + b"1 " * 3000**2,
    "profiles.png": lambda: _png(_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**20), 9)) * 15_000),
    "texts.png": lambda: _png(_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**18), 9)) * 15_000),
    "empty-chunks.png": lambda: _png(_chunk(b"teXt", b"") * 1_500_000),
    "empty-data.png": lambda: _png(_chunk(b"IDAT", b"") * 1_500_000),
    "large.png": lambda: encoded(Image.new("L", (15_800, 15_800)), "PNG"),
    "transparent.png": lambda: encoded(Image.new("RGBA", (13_000, 13_000)), "PNG"),
    "ends-of-lines.bmp": lambda: _bmp((15_800, 15_800), b"\0\0" * 32_000),
    "single-pixels.bmp": lambda: _bmp((4000, 4000), b"\1\1" * 8_000_000),
    "comment-blocks.gif": lambda: _gif(b"!\xfe" + b"\1a" * 8_000_000 + b"\0"),
    "extensions.gif": lambda: _gif(b"!\xfe\1a\0" * 4_000_000),
    "floats.tif": lambda: encoded(Image.new("F", (13_300, 13_300)), "TIFF", compression="tiff_adobe_deflate"),
    "tiles.jp2": lambda: encoded(Image.new("RGB", (640, 640)), "JPEG2000", tile_size=(4, 4)),
    "large.jp2": lambda: encoded(Image.new("RGB", (12_000, 12_000)), "JPEG2000"),
    "large.avif": lambda: encoded(Image.new("RGB", (12_000, 12_000)), "AVIF", speed=10),
    "large.webp": lambda: encoded(Image.new("RGB", (16_000, 11_000)), "WEBP", method=0),
}
"""By file name; each took Pillow's decoders seconds to minutes, or gigabytes."""
