"""Open one photo of unknown origin: upright, RGB, within limits, or a clear error.

Only common photo formats are tried, so no file reaches Pillow's rarer decoders or the programs they start.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import BinaryIO, Protocol, runtime_checkable

import numpy as np
from PIL import Image, ImageFile, _imaging

from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos import jpeg_xl, raw
from seetell.photos.budget import DecodeBudget, check_memory, is_free, length_of, memory_needed
from seetell.photos.colour import Convert, from_array, is_rgb, to_rgb, to_rgba
from seetell.photos.decoder_errors import one_line, photo_errors
from seetell.photos.formats import FORMATS, HEIC, JPEG_XL, RAW, Other, other_format
from seetell.photos.structure import check_exif, check_structure
from seetell.regular_file import NotRegularError, open_regular


@runtime_checkable
class Readable(Protocol):
    """An open binary file, or something like it."""

    def read(self) -> bytes:
        """Return all of its content."""


PhotoSource = str | os.PathLike[str] | bytes | Readable | Image.Image | np.ndarray
"""A path, a file's content, an open binary file, a Pillow image or an array of pixels."""

MAX_PIXELS = 250_000_000
"""Most pixels that are decoded. A JPEG read at reduced scale may have ``MAX_REDUCTION`` times as many in the file."""
MAX_REDUCTION = 4

WHOLE_PIXELS = 2**22
"""A photo of no more pixels is always decoded whole, which takes hardly longer: it then looks the same to a model
whether it is opened for its input or beforehand."""

REDUCTION_MARGIN = 2
"""How many times as large as the size that it will be resized to a photo decoded at reduced scale is at least: fine
detail comes out coarse and wrong at such scales, and most of that goes when it is resized."""

_WIDTH_TAG = 0x0100
_HEIGHT_TAG = 0x0101
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it logs is in the errors; not for standard error
_warning_filters = threading.Lock()
budget = DecodeBudget()
"""Shared by all threads; a process that opens photos for another one asks that one instead."""


def open_photo(
    source: PhotoSource, *, at_least: tuple[int, int] | None = None, transparent: bool = False
) -> Image.Image:
    """Open a photo as upright RGB: the first frame of an animation, transparency becomes white.

    Args:
        source: a path, a file's content, an open binary file, a Pillow image or an array of pixels.
        at_least: ``(width, height)`` that the upright photo will be resized to: a JPEG file of more than
            ``WHOLE_PIXELS`` is then decoded at the smallest scale of 1/8, 1/4, 1/2 and 1 that is at least
            ``REDUCTION_MARGIN`` times as large, which is faster.
        transparent: keep transparency: the image is RGBA, opaque where the photo is.

    Returns:
        An RGB image, EXIF rotation applied. It is pixels alone: what else the file says describes the photo as it was
        stored, and would turn it once more.

    Raises:
        PhotoError: the file is missing, unreadable, not a photo, broken or too large.
    """
    photo = _opened(source, at_least, to_rgba if transparent else to_rgb)
    photo.info.clear()
    return photo


def photo_size(source: str | os.PathLike[str] | bytes | Readable) -> tuple[int, int]:
    """Return the size of what ``open_photo`` returns, ``(width, height)`` in pixels, from the file's header alone.

    No pixel is decoded, so a damaged or too large photo may still have a size. In a PNG file a rotation is only found
    before the pixels.

    Raises:
        PhotoError: the file is missing or unreadable.
        PhotoFormatError: it is not a photo.
    """
    name = _name(source)
    with photo_errors(name), _binary(source) as file:
        kind = _other_kind(file, name)
        if kind is JPEG_XL:
            return jpeg_xl.photo_size(file)
        if kind is RAW:
            with raw.opened(file) as opened:
                return opened.size
        with _quiet():
            photo, _ = _identified(file, name)
            if photo.format == "PNG" and "exif" not in photo.info:  # Pillow would decode it to look after the pixels
                return photo.size
            size = photo.size
            if photo.format == "TIFF":  # some versions of Pillow have turned it already
                tags = photo.getexif()
                size = int(tags[_WIDTH_TAG]), int(tags[_HEIGHT_TAG])
        return size[::-1] if _orientation(photo) >= 5 else size


def _opened(source: PhotoSource, at_least: tuple[int, int] | None, convert: Convert) -> Image.Image:
    """Return a new image of a photo; see :func:`open_photo`."""
    if isinstance(source, np.ndarray):
        return from_array(source, convert)
    name = _name(source)
    with photo_errors(name):
        if isinstance(source, Image.Image):
            source.load()
            return _turned(convert(source), _orientation(source))
        with _binary(source) as file:
            return _decoded(file, name, at_least, convert)


def _name(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    return name if isinstance(name, str) else "photo"


@contextmanager
def _binary(source: str | os.PathLike[str] | bytes | Readable) -> Iterator[BinaryIO]:
    """Yield a seekable file; a pipe or device is refused before it can block."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        if "\0" in _name(source):
            raise PhotoError(f"{_name(source)}: no file name has a zero byte")
        try:
            opened = open_regular(source)
        except NotRegularError as error:
            raise PhotoError(f"{_name(source)}: is a pipe or device; expected a photo file") from error
        with opened as file:
            yield file
    elif isinstance(source, Readable):
        yield io.BytesIO(source.read())
    else:
        raise PhotoError(
            "a photo must be a path, bytes, an open binary file, a Pillow image or an array; "
            f"got {type(source).__name__}"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings; the filters belong to the whole process, so one thread at a time."""
    with _warning_filters, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _decoded(file: BinaryIO, name: str, at_least: tuple[int, int] | None, convert: Convert = to_rgb) -> Image.Image:
    kind = _other_kind(file, name)
    if kind is JPEG_XL:
        return _decoded_jpeg_xl(file, name, at_least, convert)
    if kind is RAW:
        developed = _decoded_raw(file, name, at_least)
        return developed if convert is to_rgb else convert(developed)
    with _quiet():
        photo, scales = _identified(file, name)
    pixels = coded = photo.width * photo.height
    if at_least is not None and scales and coded > WHOLE_PIXELS:
        width, height = at_least if _orientation(photo) < 5 else at_least[::-1]
        pixels = _reduce(photo, scales, (REDUCTION_MARGIN * width, REDUCTION_MARGIN * height))
    kept_whole = bool(photo.info.get("progressive"))  # all coefficients are held in memory, whatever the scale
    if pixels > MAX_PIXELS or coded > MAX_PIXELS * (1 if kept_whole else MAX_REDUCTION):
        raise _too_many_pixels(coded, name)
    need = memory_needed(photo, pixels, coded)
    check_memory(need, photo.format or "", coded, name, file)
    with budget.reserve(need):
        try:
            with _quiet() if photo.format == "TIFF" else nullcontext():  # TIFF alone reads its tags while decoding
                photo.load()
        except (OSError, ValueError) as error:
            if need > 2**24 and not is_free(need):
                raise MemoryError from error  # WebP's and TIFF's decoders call that damaged
            raise
        coloured = photo._new(photo.im) if is_rgb(photo) and convert is to_rgb else convert(photo)  # without the file
        return _turned(coloured, _orientation(photo))  # asked again: Pillow turns TIFF and AVIF itself while loading


def _decoded_jpeg_xl(file: BinaryIO, name: str, at_least: tuple[int, int] | None, convert: Convert) -> Image.Image:
    width, height = jpeg_xl.photo_size(file)
    with _reserved(jpeg_xl.BYTES_PER_PIXEL * width * height, JPEG_XL, width * height, name, file):
        file.seek(0)
        decoded = jpeg_xl.decode(file.read())
        if isinstance(decoded, Image.Image):
            return decoded if is_rgb(decoded) and convert is to_rgb else convert(decoded)
    return _decoded(io.BytesIO(decoded), name, at_least, convert)


def _decoded_raw(file: BinaryIO, name: str, at_least: tuple[int, int] | None) -> Image.Image:
    """Return the JPEG that the camera stored, if it is as large as needed, or develop the photo."""
    with raw.opened(file) as photo:
        if at_least is not None:
            with suppress(PhotoError), photo_errors(name):  # a preview that is damaged is done without
                preview = photo.preview() or b""
                size = photo_size(preview)
                if photo.shows_all(size) and size[0] >= at_least[0] and size[1] >= at_least[1]:
                    return _decoded(io.BytesIO(preview), name, at_least)
        half = at_least is not None and photo.is_enough_in_half(at_least)
        need = photo.pixels * (raw.BYTES_PER_HALF if half else raw.BYTES_PER_PIXEL)
        with _reserved(need, RAW, photo.pixels, name, file):
            return from_array(photo.develop(half=half))


@contextmanager
def _reserved(need: int, kind: Other, pixels: int, name: str, file: BinaryIO) -> Iterator[None]:
    """Check the size of a photo, and hold the memory that it takes while the block runs."""
    if pixels > MAX_PIXELS:
        raise _too_many_pixels(pixels, name)
    check_memory(need, kind.name, pixels, name, file)
    with budget.reserve(need):
        yield


def _too_many_pixels(pixels: int, name: str) -> PhotoError:
    return PhotoError(
        f"{name}: has {pixels // 10**6} million pixels; at most {MAX_PIXELS // 10**6} million are decoded"
    )


def _reduce(photo: ImageFile.ImageFile, scales: int, at_least: tuple[int, int]) -> int:
    """Have the decoder halve width and height while they stay at or above a size; return the pixels it then gives."""
    if photo.format in ("JPEG", "MPO"):
        photo.draft(None, at_least)
        return photo.width * photo.height
    times = scales
    while times and (photo.width >> times < at_least[0] or photo.height >> times < at_least[1]):
        times -= 1
    photo.reduce = times  # type: ignore[method-assign,assignment]  # Pillow's JPEG 2000 hides a method by this attribute
    return (photo.width >> times) * (photo.height >> times)


def _other_kind(file: BinaryIO, name: str) -> Other | None:
    """Return the format of a file that Pillow does not open by itself, but another module; ``None`` for others.

    Raises:
        PhotoFormatError: nothing that is installed opens it.
        PhotoError: the file is empty.
    """
    start = file.read(512)
    if not start:
        raise PhotoError(f"{name}: the file is empty")
    kind = other_format(start) or (RAW if raw.is_raw(file, start, name) else None)
    file.seek(0)
    if kind is None or kind.is_opened:
        return kind
    why = "not opened by this installation" if kind.module else "not supported"
    raise PhotoFormatError(f"{name}: {kind.name} is {why}; {kind.remedy}")


def _identified(file: BinaryIO, name: str) -> tuple[ImageFile.ImageFile, int]:
    """Read the header with the plugin whose signature matches.

    ``Image.open`` is not used: its limit on pixels applies to the size in the file, not to what is decoded, and is a
    global setting.

    Returns:
        The photo, and how often its decoder can halve its sides.
    """
    start = file.read(512)
    if HEIC.start.match(start):
        return _opened_heic(file, name), 0
    for image_format, (plugin, _) in FORMATS.items():
        try:
            importlib.import_module(plugin)
        except ImportError:  # AVIF came with Pillow 11.3
            continue
        factory, accept = Image.OPEN[image_format]
        fits = accept(start[:16]) if accept else False
        if isinstance(fits, str):
            raise PhotoFormatError(
                f"{name}: this installation of Pillow was built without {image_format} ({one_line(fits)})"
            )
        if fits:
            scales = check_structure(file, image_format, length_of(file))
            file.seek(0)
            if image_format == "TIFF":
                _silence_libtiff()
            try:
                return factory(file, name), scales
            except OSError as error:  # of WebP, the memory is taken before the size is told
                if image_format == "WEBP" and not is_free(8 * _webp_pixels(start)):
                    raise MemoryError from error
                raise
    raise PhotoFormatError(f"{name}: not a photo; expected JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000 or AVIF")


def _opened_heic(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """Read the header of a HEIC file; libheif turns the photo upright itself."""
    from pillow_heif import HeifImageFile, options

    options.DECODE_THREADS = 1  # photos are decoded by several threads already
    file.seek(0)
    opened: ImageFile.ImageFile = HeifImageFile(file, name)  # type: ignore[no-untyped-call]
    return opened


def _webp_pixels(start: bytes) -> int:
    """Return how many pixels a WebP file has, from its first bytes."""
    if start[12:16] == b"VP8X":
        return (1 + int.from_bytes(start[24:27], "little")) * (1 + int.from_bytes(start[27:30], "little"))
    if start[12:16] == b"VP8L":
        sides = int.from_bytes(start[21:25], "little")
        return (1 + (sides & 0x3FFF)) * (1 + (sides >> 14 & 0x3FFF))
    return (int.from_bytes(start[26:28], "little") & 0x3FFF) * (int.from_bytes(start[28:30], "little") & 0x3FFF)


def _silence_libtiff() -> None:
    """Keep libtiff from writing to standard error; Pillow tells what went wrong."""
    with suppress(OSError, AttributeError):  # where it is linked into Pillow, its names are not found
        for handler in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            getattr(ctypes.CDLL(_imaging.__file__), handler)(None)


def _orientation(photo: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or the EXIF data is broken."""
    try:
        check_exif(photo.info.get("exif") or b"")
        with _quiet():
            orientation = photo.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # the pixels may still be sound
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _turned(photo: Image.Image, orientation: int) -> Image.Image:
    return photo.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else photo
