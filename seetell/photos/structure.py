"""What a file is made of, checked before it is decoded: files made to keep a decoder busy for hours are refused.

Pillow reads headers in Python, at a cost per segment, chunk or comment, or even per square of their number. A photo has
few of them; a file of some megabytes can have a million. Each check reads a header once, stops at its limit, and takes
microseconds for a photo.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import BinaryIO

from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos.iso_boxes import boxes

MAX_JPEG_SEGMENTS = 2048
"""Profiles, previews and depth maps take some hundred of 64 kB."""
MAX_JPEG_PARSED = 64
"""Segments that Pillow interprets (Exif, Photoshop's, tables, frames); a photo has about ten."""
MAX_JPEG_JUNK = 4096
"""Bytes between segments."""
MAX_JPEG_SCANS = 100
"""Scans of a progressive photo; encoders write about ten."""
MAX_SCANNED_PIXELS = 10**10
"""Pixels of a progressive photo times its scans."""
MAX_PNG_CHUNKS = 1000
"""Besides one for every ``PNG_CHUNK_BYTES`` of the file."""
PNG_CHUNK_BYTES = 256
MAX_PNG_COMPRESSED = 64
"""Compressed texts and profiles of a PNG file, each of which is decompressed."""
MAX_GIF_BLOCKS = 4096
"""Blocks of comments and extensions before the first frame of a GIF file."""
MAX_PNM_HEADER = 4096
"""Bytes of the header of a PPM file, comments included."""
MAX_PNM_COMMENTS = 100
"""Comments among the numbers of a plain PPM file."""
MAX_PYTHON_VALUES = 4 * 10**6
"""Values of kinds that Pillow decodes in Python: run-length BMP, plain PPM and PPM of odd depth."""
MAX_TIFF_STRIPS = 200_000
"""Strips or tiles of a TIFF file."""
MAX_JPEG2000_BOXES = 1000
"""Boxes, and segments of the main header, of a JPEG 2000 file."""
MAX_JPEG2000_TILES = 4096
"""Tiles of a JPEG 2000 file."""

_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TIFF_STRIPS = (273, 279, 324, 325)
_PNM_TOKEN = rb"(?:\s|#[^\r\n]*[\r\n])*([0-9.+-]+)"


def check_structure(file: BinaryIO, image_format: str, length: int) -> int:
    """Check a file's structure.

    Args:
        file: at any position.
        image_format: Pillow's name of it.
        length: of the file, in bytes.

    Returns:
        How often its decoder can halve width and height while it decodes; 0 for most formats.

    Raises:
        PhotoError: it has more parts than any photo has.
    """
    check = _CHECKS.get(image_format)
    if check is None:
        return 0
    try:
        return check(file, length) or 0
    except (struct.error, IndexError):  # cut short, which the decoder tells better
        return 0


def check_exif(data: bytes) -> None:
    """Check the directory of EXIF data.

    Raises:
        PhotoError: its entries hold more than there is.
    """
    data = data.removeprefix(b"Exif\0\0")
    try:
        _check_directory(lambda start, size: data[start : start + size], len(data))
    except struct.error:
        return


def _too_many(what: str, limit: int) -> PhotoError:
    return PhotoError(f"the file has more than {limit:,} {what}, as no photo has")


def _check_jpeg(file: BinaryIO, length: int) -> int:
    file.seek(2)
    segments = parsed = junk = components = 0
    frame, exif = 0, b""
    width = height = 0
    while len(start := file.read(4)) == 4:
        lead, kind, size = struct.unpack(">BBH", start)
        if lead != 0xFF or kind in (0x00, 0x01, 0xC8, 0xFF) or 0xD0 <= kind <= 0xD9 or 0xF0 <= kind <= 0xFD:
            junk += 1  # Pillow goes on byte by byte, whatever length follows
            if junk > MAX_JPEG_JUNK:
                raise _too_many("bytes between its segments", MAX_JPEG_JUNK)
            file.seek(-3, 1)
            continue
        if kind == 0xDA:
            break
        segments += 1
        if segments > MAX_JPEG_SEGMENTS:
            raise _too_many("segments", MAX_JPEG_SEGMENTS)
        here = file.tell() - 2
        if 0xC0 <= kind <= 0xCF and kind != 0xC4 and kind != 0xCC:
            frame = kind
            _, height, width, components = struct.unpack(">BHHB", file.read(6))
            parsed += 1
        elif kind in (0xDB, 0xED):
            parsed += 1
        elif kind == 0xE1 and file.read(6) == b"Exif\0\0":
            parsed += 1
            exif += file.read(max(0, size - 8))
        if parsed > MAX_JPEG_PARSED:
            raise _too_many("segments of metadata and tables", MAX_JPEG_PARSED)
        file.seek(here + max(size, 2))
    check_exif(exif)
    progressive = frame in (0xC2, 0xC6, 0xCA, 0xCE)
    if progressive or file.read(1) != bytes([components]):
        _check_scans(file, width * height)
    return 0 if frame in (0xC3, 0xC7, 0xCB, 0xCF) else 3  # lossless photos have no coefficients to leave out


def _check_scans(file: BinaryIO, pixels: int) -> None:
    """Count the scans that follow the position: each costs as much as the photo is large, however short it is."""
    content = file.read()
    limit = max(10, min(MAX_JPEG_SCANS, MAX_SCANNED_PIXELS // max(1, pixels)))
    if content.count(b"\xff\xda") < limit:  # a quick bound; previews and further photos in the file count, too
        return
    scans, at = 1, 0
    marker = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
    while found := marker.search(content, at):
        kind, at = content[found.start() + 1], found.end()
        if kind == 0xD9:
            return
        scans += kind == 0xDA
        if scans > limit:
            raise _too_many("scans", limit)
        at += struct.unpack_from(">H", content, at)[0]


def _check_png(file: BinaryIO, length: int) -> None:
    limit = MAX_PNG_CHUNKS + length // PNG_CHUNK_BYTES
    at, chunks, compressed, profiles = 8, 0, 0, 0
    while True:
        file.seek(at)
        start = file.read(8)
        if len(start) < 8:
            return
        size, kind = struct.unpack(">I4s", start)
        chunks += 1
        compressed += kind in (b"zTXt", b"iTXt")
        profiles += kind == b"iCCP"
        if chunks > limit:
            raise _too_many("chunks", limit)
        if compressed > MAX_PNG_COMPRESSED or profiles > 4:
            raise _too_many("compressed texts or profiles", MAX_PNG_COMPRESSED)
        if kind in (b"IEND", b"fdAT"):
            return
        at += size + 12


def _check_gif(file: BinaryIO, length: int) -> None:
    file.seek(0)
    head = file.read(13)
    if head[10] & 0x80:
        file.seek(3 << ((head[10] & 7) + 1), 1)
    blocks = 0
    while (kind := file.read(1)) and kind not in (b",", b";"):
        blocks += 1
        if kind == b"!":
            file.read(1)
            while size := file.read(1)[0]:
                blocks += 1
                file.seek(size, 1)
                if blocks > MAX_GIF_BLOCKS:
                    break
        if blocks > MAX_GIF_BLOCKS:
            raise _too_many("blocks before its first frame", MAX_GIF_BLOCKS)


def _check_bmp(file: BinaryIO, length: int) -> None:
    file.seek(14)
    header = file.read(20)
    size, width, height = struct.unpack("<Iii", header[:12])
    if size >= 40 and struct.unpack("<I", header[16:20])[0] in (1, 2):
        _check_python_values(abs(width * height), "run-length BMP")


def _check_ppm(file: BinaryIO, length: int) -> None:
    file.seek(0)
    head = file.read(MAX_PNM_HEADER)
    kind = head[:2]
    numbers = 2 if kind in (b"P1", b"P4") else 3
    match = re.match(rb"P\w*" + numbers * _PNM_TOKEN, head)
    if match is None:
        if len(head) == MAX_PNM_HEADER:
            raise PhotoError(f"its header is longer than {MAX_PNM_HEADER:,} bytes, or none")
        return
    plain = kind in (b"P1", b"P2", b"P3")
    odd = kind in (b"P5", b"P6") and match[3] not in (b"255", b"65535")
    if plain or odd or (kind == b"P6" and match[3] == b"65535"):
        channels = 3 if kind in (b"P3", b"P6") else 1
        values = int(float(match[1])) * int(float(match[2])) * channels
        _check_python_values(min(values, length), "plain or unusual PPM")
    if plain:
        file.seek(0)
        comments = 0
        while block := file.read(2**20):
            comments += block.count(b"#")
            if comments > MAX_PNM_COMMENTS:
                raise _too_many("comments", MAX_PNM_COMMENTS)


def _check_python_values(values: int, what: str) -> None:
    if values > MAX_PYTHON_VALUES:
        raise PhotoFormatError(
            f"a {what} file of {values // 10**6} million values; of that kind at most "
            f"{MAX_PYTHON_VALUES // 10**6} million are decoded; save it as PNG"
        )


def _check_tiff(file: BinaryIO, length: int) -> None:
    def read(start: int, size: int) -> bytes:
        file.seek(start)
        return file.read(size)

    _check_directory(read, length)


def _check_directory(read: Callable[[int, int], bytes], length: int) -> None:
    """Check the first directory of a TIFF file, or of EXIF data, which has the same form.

    Args:
        read: returns so many bytes from an offset.
        length: of the whole, in bytes.

    Raises:
        PhotoError: it has values that are larger than the whole together, or too many strips.
        struct.error: it is cut short.
    """
    head = read(0, 16)
    order = "<" if head[:2] == b"II" else ">"
    if 43 in head[2:4]:
        start, form, width, inline = struct.unpack(order + "Q", head[8:16])[0], order + "HHQ", 20, 8
        (count,) = struct.unpack(order + "Q", read(start, 8))
        entries_at = start + 8
    else:
        start, form, width, inline = struct.unpack(order + "I", head[4:8])[0], order + "HHI", 12, 4
        (count,) = struct.unpack(order + "H", read(start, 2))
        entries_at = start + 2
    if count > 2**16:
        raise _too_many("tags", 2**16)
    entries, total = read(entries_at, count * width), 0
    for at in range(0, len(entries) - width + 1, width):
        tag, kind, values = struct.unpack_from(form, entries, at)
        size = _TIFF_SIZES.get(kind, 0) * values
        if tag in _TIFF_STRIPS and values > MAX_TIFF_STRIPS:
            raise _too_many("strips or tiles", MAX_TIFF_STRIPS)
        total += size if inline < size <= length else 0  # a value beyond the end is not read
        if total > 4 * length:
            raise PhotoError("its tags hold many times more than the file does, as those of no photo do")


def _check_jpeg2000(file: BinaryIO, length: int) -> int:
    file.seek(0)
    start = file.read(12)
    at, boxes = (0, 0) if start.startswith(b"\xff\x4f") else (_codestream(file), 0)
    resolutions = 0
    at += 2
    while boxes <= MAX_JPEG2000_BOXES:
        file.seek(at)
        marker, size = struct.unpack(">HH", file.read(4))
        boxes += 1
        if marker == 0xFF51:
            width, height, _left, _top, tile_width, tile_height, tile_left, tile_top = struct.unpack(
                ">8I", file.read(34)[2:]
            )
            across = -(-(width - tile_left) // max(1, tile_width))
            down = -(-(height - tile_top) // max(1, tile_height))
            if across * down > MAX_JPEG2000_TILES:
                raise _too_many("tiles", MAX_JPEG2000_TILES)
        elif marker == 0xFF52:
            resolutions = file.read(6)[5]
        elif marker in (0xFF90, 0xFFD9):
            return resolutions
        at += 2 + size
    raise _too_many("segments in its header", MAX_JPEG2000_BOXES)


def _codestream(file: BinaryIO) -> int:
    """Return where the codestream of a JP2 file begins."""
    for box in boxes(file, MAX_JPEG2000_BOXES):
        if box.kind == b"jp2c":
            return box.content
        if box.kind == b"jp2h" and box.size > 2**21:
            raise PhotoError("its header is longer than any photo's")
    raise _too_many("boxes", MAX_JPEG2000_BOXES)


_CHECKS: dict[str, Callable[[BinaryIO, int], int | None]] = {
    "JPEG": _check_jpeg,
    "PNG": _check_png,
    "GIF": _check_gif,
    "BMP": _check_bmp,
    "TIFF": _check_tiff,
    "PPM": _check_ppm,
    "JPEG2000": _check_jpeg2000,
}
