"""Open one photo of unknown origin: upright, RGB, within limits, or a clear error.

Only common photo formats are tried, so no file reaches Pillow's rarer decoders or the programs they start.
"""

from __future__ import annotations

import importlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos.colour import from_array, to_rgb

PhotoSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | np.ndarray
"""A path, a file's content, an open binary file, a Pillow image or an array of pixels."""

MAX_PIXELS = 250_000_000
"""Most pixels that are decoded. A JPEG read at reduced scale may have ``MAX_REDUCTION`` times as many in the file."""
MAX_REDUCTION = 4

FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "JPEG": ("JpegImagePlugin", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    "PNG": ("PngImagePlugin", (".png", ".apng")),
    "WEBP": ("WebPImagePlugin", (".webp",)),
    "GIF": ("GifImagePlugin", (".gif",)),
    "BMP": ("BmpImagePlugin", (".bmp",)),
    "TIFF": ("TiffImagePlugin", (".tif", ".tiff")),
    "PPM": ("PpmImagePlugin", (".ppm", ".pgm", ".pbm", ".pnm")),
    "JPEG2000": ("Jpeg2KImagePlugin", (".jp2", ".j2k")),
    "AVIF": ("AvifImagePlugin", (".avif",)),
}
"""Formats in the order they are tried: Pillow's name, its plugin, and file name endings in lower case."""

SUFFIXES = frozenset(suffix for _, suffixes in FORMATS.values() for suffix in suffixes)

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
_warning_filters = threading.Lock()


def open_photo(source: PhotoSource, *, at_least: tuple[int, int] | None = None) -> Image.Image:
    """Open a photo as upright RGB: the first frame of an animation, transparency becomes white.

    Args:
        source: a path, a file's content, an open binary file, a Pillow image or an array of pixels.
        at_least: ``(width, height)`` that the upright photo will be resized to: a JPEG file is then decoded at the
            smallest scale of 1/8, 1/4, 1/2 and 1 that is not below it, several times faster for large photos.

    Returns:
        An RGB image, EXIF rotation applied.

    Raises:
        PhotoError: the file is missing, unreadable, not a photo, broken or too large.
    """
    if isinstance(source, np.ndarray):
        return from_array(source)
    name = _name(source)
    with _photo_errors(name):
        if isinstance(source, Image.Image):
            source.load()
            return to_rgb(_upright(source))
        with _binary(source) as file:
            return _decoded(file, name, at_least)


def photo_size(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[int, int]:
    """Return the size of what ``open_photo`` returns, ``(width, height)`` in pixels, from the file's header alone.

    No pixel is decoded, so a damaged or too large photo may still have a size. In a PNG file a rotation is only found
    before the pixels.

    Raises:
        PhotoError: the file is missing or unreadable.
        PhotoFormatError: it is not a photo.
    """
    name = _name(source)
    with _photo_errors(name), _binary(source) as file:
        with _quiet():
            photo = _identified(file, name)
            if photo.format == "PNG" and "exif" not in photo.info:  # Pillow would decode it to look after the pixels
                return photo.size
            size = photo.size
            if photo.format == "TIFF":  # some versions of Pillow have turned it already
                tags = photo.getexif()
                size = int(tags[_WIDTH_TAG]), int(tags[_HEIGHT_TAG])
        return size[::-1] if _orientation(photo) >= 5 else size


@contextmanager
def _photo_errors(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a ``PhotoError`` that names the photo."""
    try:
        yield
    except PhotoError:
        raise
    except OSError as error:
        raise PhotoError(f"{name}: {_reason(error)}") from error
    except MemoryError as error:
        raise PhotoError(f"{name}: not enough memory to decode it") from error
    except Exception as error:  # a decoder meeting hostile bytes may raise anything
        raise PhotoError(f"{name}: the file is damaged ({_one_line(error)})") from error


def _name(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    return name if isinstance(name, str) else "photo"


@contextmanager
def _binary(source: str | os.PathLike[str] | bytes | BinaryIO) -> Iterator[BinaryIO]:
    """Yield a seekable file; a pipe or device is refused before it can block."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        if "\0" in _name(source):
            raise PhotoError(f"{_name(source)}: no file name has a zero byte")
        with open(source, "rb", opener=lambda path, flags: os.open(path, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PhotoError(f"{_name(source)}: is a pipe or device; expected a photo file")
            yield file
    elif callable(getattr(source, "read", None)):
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


def _decoded(file: BinaryIO, name: str, at_least: tuple[int, int] | None) -> Image.Image:
    with _quiet():
        photo = _identified(file, name)
    coded = photo.width * photo.height
    if at_least is not None and photo.format in ("JPEG", "MPO"):
        photo.draft(None, at_least if _orientation(photo) < 5 else at_least[::-1])
    kept_whole = bool(photo.info.get("progressive"))  # all coefficients are held in memory, whatever the scale
    if photo.width * photo.height > MAX_PIXELS or coded > MAX_PIXELS * (1 if kept_whole else MAX_REDUCTION):
        raise PhotoError(
            f"{name}: has {coded // 10**6} million pixels; at most {MAX_PIXELS // 10**6} million are decoded"
        )
    with _quiet() if photo.format == "TIFF" else nullcontext():  # TIFF alone reads its tags while decoding
        photo.load()
    return to_rgb(_upright(photo))


def _identified(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """Read the header with the plugin whose signature matches.

    ``Image.open`` is not used: its limit on pixels applies to the size in the file, not to what is decoded, and is a
    global setting.
    """
    start = file.read(16)
    if not start:
        raise PhotoError(f"{name}: the file is empty")
    for image_format, (plugin, _) in FORMATS.items():
        try:
            importlib.import_module(f"PIL.{plugin}")
        except ImportError:  # AVIF came with Pillow 11.3
            continue
        factory, accept = Image.OPEN[image_format]
        fits = accept(start) if accept else False
        if isinstance(fits, str):
            raise PhotoFormatError(
                f"{name}: this installation of Pillow was built without {image_format} ({_one_line(fits)})"
            )
        if fits:
            file.seek(0)
            return factory(file, name)
    raise PhotoFormatError(f"{name}: not a photo; expected JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000 or AVIF")


def _orientation(photo: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or the EXIF data is broken."""
    try:
        with _quiet():
            orientation = photo.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # the pixels may still be sound
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _upright(photo: Image.Image) -> Image.Image:
    orientation = _orientation(photo)  # once more: Pillow turns TIFF and AVIF itself while loading
    return photo.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else photo


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder; expected a photo file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if error.errno is None:  # raised by a decoder
        return f"the file is cut short or damaged ({_one_line(error)})"
    return f"cannot be read ({error.strerror})"


def _one_line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
