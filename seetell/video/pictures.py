"""Pictures as a video: a folder of them, a pattern, or arrays."""

from __future__ import annotations

import configparser
import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from seetell.errors import PhotoError, VideoError
from seetell.photos.formats import is_photo_name
from seetell.photos.opening import open_photo, photo_size
from seetell.video.frames import Frame, Video, check_size

SEQUENCE = "seqinfo.ini"
"""In a folder of MOT challenge: where the pictures are, and their rate."""


class Pictures(Video):
    """Files of pictures, one a frame; those of another size than the first are resized to it.

    Args:
        name: as the user named them.
        paths: in order, at least one.
        fps: frames a second.
        max_pixels: most pixels of a picture.

    Raises:
        VideoError: the first picture cannot be used, or is too large.
    """

    def __init__(self, name: str, paths: Sequence[str], *, fps: float, max_pixels: int) -> None:
        try:
            self.size = photo_size(paths[0])
        except PhotoError as error:
            raise VideoError(f"{name}: {error}") from error
        check_size(name, *self.size, max_pixels)
        self.name, self.fps, self.frame_count = name, fps, len(paths)
        self._paths, self._max_pixels = paths, max_pixels

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield the pictures; see :meth:`Video.frames`."""
        self.problem, broken = "", []
        first = _first(start, self.fps)
        for index, path in enumerate(self._paths[first:], first):
            try:
                check_size(path, *photo_size(path), self._max_pixels)
                picture = open_photo(path)
            except (PhotoError, VideoError) as error:
                broken.append(str(error))
                self.problem = f"{len(broken)} of {len(self._paths)} pictures cannot be used; the first: {broken[0]}"
                continue
            if picture.size != self.size:
                picture = picture.resize(self.size, Image.Resampling.BILINEAR)
            yield Frame(index, index / self.fps, np.asarray(picture))
        if broken and len(broken) == len(self._paths) - first:
            raise VideoError(f"{self.name}: none of its pictures can be used; the first: {broken[0]}")


class Arrays(Video):
    """Arrays as a video.

    Args:
        images: ``(H, W, 3)`` uint8 RGB, all of one size, at least one.
        fps: frames a second.

    Raises:
        VideoError: there are none, or they are no such arrays.
    """

    name = "arrays"

    def __init__(self, images: Sequence[np.ndarray], *, fps: float) -> None:
        if not len(images):
            raise VideoError("expected at least one array, got none")
        for image in images:
            if image.dtype != np.uint8 or image.shape != (*images[0].shape[:2], 3) or not image.size:
                expected = "arrays (H, W, 3) uint8 of one size, none empty"
                raise VideoError(f"expected {expected}, got {image.shape} {image.dtype}")
        height, width = images[0].shape[:2]
        self.size, self.fps, self.frame_count, self._images = (width, height), fps, len(images), images

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield the arrays; see :meth:`Video.frames`."""
        for index in range(_first(start, self.fps), len(self._images)):
            yield Frame(index, index / self.fps, self._images[index])


def pictures_of(name: str) -> tuple[list[str], float | None]:
    """Return the pictures that a folder or a pattern stands for, and their rate where the folder says it.

    Args:
        name: a folder, not searched below; one of MOT challenge, whose ``seqinfo.ini`` says where its pictures are; or
            a pattern.

    Raises:
        VideoError: there are none, or the folder cannot be read.
    """
    folder, fps = name, None
    try:
        if os.path.isdir(name):
            if os.path.isfile(os.path.join(name, SEQUENCE)):
                folder, fps = _sequence(Path(name))
            found = [os.path.join(folder, file) for file in os.listdir(folder) if not file.startswith(".")]
        else:
            found = glob.glob(name, recursive=True)
    except OSError as error:
        raise VideoError(f"{folder}: cannot be read ({error.strerror})") from error
    paths = sorted((path for path in found if is_photo_name(path)), key=_by_number)
    if not paths:
        raise VideoError(f"{folder}: there are no pictures; they are known by endings such as .jpg")
    return paths, fps


def _sequence(folder: Path) -> tuple[str, float]:
    """Return the folder of the pictures of a sequence of MOT challenge, and their rate."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / SEQUENCE, encoding="utf-8")
        section = parser["Sequence"]
        images, fps = section.get("imDir", "img1"), float(section["frameRate"])
    except (configparser.Error, KeyError, ValueError) as error:
        raise VideoError(f"{folder / SEQUENCE}: expected a section [Sequence] with imDir and frameRate") from error
    if not 0 < fps < 1000 or not (folder / images).resolve().is_relative_to(folder.resolve()):
        raise VideoError(f"{folder / SEQUENCE}: expected a rate above 0 and a folder within, got {fps} and {images!r}")
    return str(folder / images), fps


def _by_number(path: str) -> list[tuple[int, int | str]]:
    """Sort ``frame2.jpg`` before ``frame10.jpg``."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", path)]


def _first(start: float, fps: float) -> int:
    """Return the index of the first frame that is shown at a time or later."""
    return max(0, int(np.ceil(start * fps - 1e-6)))
