"""Cameras' raw photos, by LibRaw (rawpy, of the extra ``formats``): the camera's own JPEG in the file, or developed.

Every camera stores a JPEG that it developed itself beside the sensor's values, mostly in full size; it is opened in a
tenth of the time, and looks as the photographer saw it.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos.formats import RAW

MAX_TAGS = 1000
"""Tags of a directory that are looked at."""

BYTES_PER_PIXEL, BYTES_PER_HALF = 26, 10
"""Memory for developing a photo, for each pixel of the sensor: in full size, and in half of it."""

SAME_SHAPE = 0.03
"""Relative difference of the ratios of width to height up to which a preview shows the whole photo."""

_SUBFILE, _SUB_DIRECTORIES, _MAKE, _DNG_VERSION = 254, 330, 271, 50706
_REDUCED = 1


def is_raw(file: BinaryIO, start: bytes, name: str) -> bool:
    """Return whether a file is a raw photo.

    Most are TIFF files whose first picture is a small one. DNG has a tag of its own; others have a camera's name and
    keep the large picture in a subdirectory; and where that is not clear, the ending of the name says it.

    Args:
        file: at any position.
        start: its first bytes.
        name: of the file; may be none.
    """
    if RAW.start.match(start):
        return True
    if start[:4] not in (b"II*\0", b"MM\0*"):
        return False
    if os.path.splitext(name)[1].lower() in RAW.suffixes:
        return True
    tags = _tags(file, "<" if start[:2] == b"II" else ">")
    reduced = tags.get(_SUBFILE, 0) == _REDUCED
    return _DNG_VERSION in tags or (reduced and _SUB_DIRECTORIES in tags and _MAKE in tags)


def _tags(file: BinaryIO, order: str) -> dict[int, int]:
    """Return the tags of the first directory of a TIFF file, and the number that each holds or points to."""
    try:
        file.seek(4)
        file.seek(struct.unpack(order + "I", file.read(4))[0])
        (count,) = struct.unpack(order + "H", file.read(2))
        entries = file.read(12 * min(count, MAX_TAGS))
        found = (struct.unpack_from(order + "HHII", entries, at) for at in range(0, len(entries) - 11, 12))
        return {tag: value if order == "<" or kind != 3 else value >> 16 for tag, kind, _, value in found}
    except struct.error:
        return {}


class RawPhoto:
    """An opened raw photo.

    Attributes:
        size: width and height in pixels of the upright photo, as :meth:`develop` returns it.
        pixels: of the sensor.

    Args:
        photo: a ``rawpy.RawPy``.
        content: of the file.
    """

    def __init__(self, photo: Any, content: bytes) -> None:
        self._photo, self._content = photo, content
        sizes = photo.sizes
        self.size: tuple[int, int] = (sizes.width, sizes.height)
        if sizes.flip in (5, 6):
            self.size = self.size[::-1]
        self.pixels: int = sizes.raw_width * sizes.raw_height

    def preview(self) -> bytes | None:
        """Return the largest JPEG in the file, with its orientation; ``None`` where there is none, or only a part.

        Must be called before :meth:`develop`.
        """
        import rawpy

        try:
            found = self._photo.extract_thumb()
        except rawpy.LibRawError:  # there is none, or it is damaged; the photo may still be sound
            return None
        if found.format != rawpy.ThumbFormat.JPEG:
            return None
        preview = bytes(found.data)
        # of a file that is cut short, LibRaw returns what happens to lie in memory as the rest
        return preview if preview[len(preview) // 2 :] in self._content else None

    def shows_all(self, size: tuple[int, int]) -> bool:
        """Return whether an upright preview of a size has the photo's shape, so that it is no crop of it."""
        return abs(size[0] * self.size[1] / (size[1] * self.size[0]) - 1) <= SAME_SHAPE

    def is_enough_in_half(self, at_least: tuple[int, int]) -> bool:
        """Return whether half of the size is not below another one."""
        return self.size[0] // 2 >= at_least[0] and self.size[1] // 2 >= at_least[1]

    def develop(self, *, half: bool) -> np.ndarray:
        """Return the upright photo ``(H, W, 3)`` uint8 in sRGB, with the camera's white balance.

        Args:
            half: in half of the size, each square of four sensor elements giving a pixel.
        """
        import rawpy

        developed: np.ndarray = self._photo.postprocess(
            half_size=half,
            use_camera_wb=True,
            output_bps=8,
            demosaic_algorithm=rawpy.DemosaicAlgorithm.LINEAR,
        )
        return developed


@contextmanager
def opened(file: BinaryIO) -> Iterator[RawPhoto]:
    """Open a raw photo and read its header.

    Args:
        file: the whole of it is read.

    Raises:
        PhotoFormatError: its camera is not known to LibRaw.
        PhotoError: it is damaged.
    """
    import rawpy

    file.seek(0)
    try:
        content = file.read()
        with rawpy.imread(io.BytesIO(content)) as photo:
            if photo.sizes.width < 1 or photo.sizes.height < 1:
                raise PhotoError("the file is damaged (it has no pixels)")
            yield RawPhoto(photo, content)
    except rawpy.LibRawFileUnsupportedError as error:
        raise PhotoFormatError(
            "a raw photo of a kind that LibRaw does not know, or damaged; develop it to JPEG"
        ) from error
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MemoryError from error
    except rawpy.LibRawError as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PhotoError(f"the file is cut short or damaged ({told})") from error
