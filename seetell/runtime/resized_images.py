"""An image at the sizes of the networks that see it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import PhotoMemoryError
from seetell.photos.decoder_errors import photo_errors
from seetell.photos.opening import PhotoSource, Readable, open_photo, photo_size
from seetell.photos.preprocessing import Preprocessing, largest


@dataclass(frozen=True, eq=False)
class ResizedPhoto:
    """A photo that another process opened and resized to the inputs of a model.

    Attributes:
        views: ``(H, W, 3)`` uint8, one for each way of preprocessing that was asked for, in that order.
        size: width and height of the upright photo, before it was resized.
    """

    views: tuple[np.ndarray, ...]
    size: tuple[int, int]

    @property
    def pixels(self) -> np.ndarray:
        """The first view, ``(H, W, 3)`` uint8."""
        return self.views[0]


class Views(dict[Preprocessing, np.ndarray]):
    """A photo resized to the inputs of several networks, ``(H, W, 3)`` uint8 for each way of preprocessing.

    Attributes:
        size: width and height of the upright photo; of a large file, those at which it was decoded, which are no less
            than the largest of these inputs.
    """

    def __init__(self, views: Iterable[tuple[Preprocessing, np.ndarray]], size: tuple[int, int]) -> None:
        super().__init__(views)
        self.size = size


def preprocess(image: PhotoSource | ResizedPhoto, preprocessing: Preprocessing) -> np.ndarray:
    """Open an image and return the encoder's input, ``(3, H, W)`` float32.

    Raises:
        PhotoError: the image cannot be used.
    """
    return preprocessing.normalise(resize_all(image, (preprocessing,))[preprocessing])


def resize_all(image: PhotoSource | ResizedPhoto, preprocessings: Sequence[Preprocessing]) -> Views:
    """Open an image once and resize it to the inputs of several networks.

    It is normalised in its batch, see :func:`~seetell.runtime.tags.stacked`: until then it takes a quarter of the
    memory.

    Args:
        image: where it was resized already, in these ways.
        preprocessings: one for each input.

    Raises:
        PhotoError: the image cannot be used.
    """
    if isinstance(image, ResizedPhoto):
        return Views(zip(preprocessings, image.views, strict=True), image.size)
    opened = open_photo(image, at_least=largest(preprocessings))
    try:
        return Views(((way, way.resize(opened)) for way in preprocessings), opened.size)
    except MemoryError as error:
        raise PhotoMemoryError(
            f"a photo of {opened.width}×{opened.height} pixels needs more memory than there is"
        ) from error


def preprocess_with_size(
    image: PhotoSource | ResizedPhoto, preprocessing: Preprocessing
) -> tuple[np.ndarray, tuple[int, int]]:
    """Open an image; see :func:`preprocess`.

    Returns:
        The encoder's input, and width and height of the upright image in pixels.
    """
    resized, size = resize_all_with_size(image, (preprocessing,))
    return preprocessing.normalise(resized[preprocessing]), size


def resize_all_with_size(
    image: PhotoSource | ResizedPhoto, preprocessings: Sequence[Preprocessing]
) -> tuple[Views, tuple[int, int]]:
    """Open an image once; see :func:`resize_all`.

    Returns:
        The pixels for each network, and width and height of the upright image in pixels.
    """
    if isinstance(image, ResizedPhoto):
        return resize_all(image, preprocessings), image.size
    image, size = with_size(image)
    return resize_all(image, preprocessings), size


def with_size(image: PhotoSource) -> tuple[PhotoSource, tuple[int, int]]:
    """Return an image, and width and height of the upright photo, of which no pixel of a file is decoded for that.

    Raises:
        PhotoError: the image cannot be used.
    """
    if isinstance(image, Readable):
        with photo_errors("photo"):
            image = image.read()
    if isinstance(image, (str, os.PathLike, bytes)):
        return image, photo_size(image)  # a large JPEG file is decoded at a smaller scale
    opened = open_photo(image)
    return opened, opened.size
