"""Pairs of windows to train a Siamese network on: of one object in a photo seen twice, or of two frames of a film.

As in SiamRPN++ and DaSiamRPN, a photo with boxes makes a pair: the object is cut out twice, differently bright, sharp
and large, and in the search window it is not in the middle. A pair is made by its number alone, so that it is the same
whenever it is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from seetell.data.records import ObjectDataset, ObjectPhoto
from seetell.errors import DataError
from seetell.geometry.boxes import Box
from seetell.geometry.polygons import fill_polygons
from seetell.photos import open_photo
from seetell.tasks.single_object_tracking.config import PairsConfig
from seetell.tasks.single_object_tracking.patches import Pair, search_side, window_of


@dataclass(frozen=True, eq=False)
class TrackingPair:
    """An exemplar's window and a search window, ``(S, S, 3)`` uint8.

    Attributes:
        exemplar: with the object in the middle.
        search: where it is to be found.
        box: of the object there, ``xyxy`` in pixels; of another one if it is not there.
        size: width and height of the object in the exemplar's window.
        present: whether it is the same object.
        mask: its pixels in the search window, ``(S, S)`` bool, if its outline is known.
    """

    exemplar: np.ndarray
    search: np.ndarray
    box: Box
    size: Pair
    present: bool
    mask: np.ndarray | None = None


class PairSource(ABC):
    """Makes pairs by number."""

    @abstractmethod
    def __call__(self, number: int) -> TrackingPair:
        """Make a pair.

        Raises:
            PhotoError: a photo cannot be opened.
        """


ORDER = 2**32 - 1
"""Number that no pair has: of the order in which objects come."""


@dataclass(frozen=True)
class _Object:
    photo: ObjectPhoto
    place: int


class PhotoPairs(PairSource):
    """Pairs from photos with boxes.

    Args:
        dataset: of the photos, for messages.
        photos: those of a split.
        config: how pairs are made.
        side: ``S``, pixels of a window's side.
        seed: of all pairs.
        outlines: take only objects whose outlines are known, and make masks of them.

    Raises:
        DataError: no object is neither too small nor too large.
    """

    def __init__(
        self,
        dataset: ObjectDataset,
        photos: Sequence[ObjectPhoto],
        config: PairsConfig,
        *,
        side: int,
        seed: int,
        outlines: bool = False,
    ) -> None:
        self._config, self._side, self._seed, self._outlines = config, side, seed, outlines
        self._objects = [
            _Object(photo, place)
            for photo in photos
            for place, (left, upper, right, lower) in enumerate(photo.boxes)
            if (right - left) * (lower - upper) <= config.largest_share
            and (not outlines or (photo.details and photo.details[place].outline))
        ]
        if not self._objects:
            raise DataError(f"{dataset.source}: no object to follow has {'an outline' if outlines else 'a box'}")

    def __call__(self, number: int) -> TrackingPair:
        """Make a pair; objects that are too small in pixels are passed over."""
        random = np.random.default_rng((self._seed, number))
        order = np.random.default_rng((self._seed, ORDER)).permutation(len(self._objects))
        chosen, image, box = self._large_enough(order, number)
        exemplar = self._window(image, box, random, moves=False)[0]
        other, other_image, other_box = chosen, image, box
        if random.random() < self._config.negatives:
            other, other_image, other_box = self._large_enough(order, int(random.integers(len(order))))
        search, zoom, (left, upper) = self._window(other_image, other_box, random, moves=True)
        placed = tuple((edge - origin) * zoom for edge, origin in zip(other_box, (left, upper) * 2, strict=True))
        mask = None
        if self._outlines:
            whole = fill_polygons(_polygons(other, other_image), other_image.shape[1::-1])
            window = self._side / zoom
            grey = np.repeat(whole[:, :, None].astype(np.uint8) * 255, 3, axis=2)
            centre = (left + window / 2, upper + window / 2)
            black = np.zeros(3, np.uint8)
            mask = window_of(grey, centre, (window, window), (self._side, self._side), fill=black)[:, :, 0] >= 128
        zoomed = self._side / search_side((box[2] - box[0], box[3] - box[1]))
        size = ((box[2] - box[0]) * zoomed, (box[3] - box[1]) * zoomed)
        return TrackingPair(exemplar, search, (placed[0], placed[1], placed[2], placed[3]), size, other is chosen, mask)

    def _large_enough(self, order: np.ndarray, number: int) -> tuple[_Object, np.ndarray, Box]:
        """Return the first object from a place on that is large enough, its photo, and its box in pixels."""
        for place in range(number, number + len(order)):
            chosen = self._objects[order[place % len(order)]]
            image = np.asarray(open_photo(chosen.photo.path))
            height, width = image.shape[:2]
            left, upper, right, lower = chosen.photo.boxes[chosen.place]
            box = left * width, upper * height, right * width, lower * height
            if min(box[2] - box[0], box[3] - box[1]) >= self._config.least_side:
                return chosen, image, box
        raise DataError(f"no object has sides of {self._config.least_side:g} pixels; set pairs.least_side lower")

    def _window(
        self, image: np.ndarray, box: Box, random: np.random.Generator, *, moves: bool
    ) -> tuple[np.ndarray, float, Pair]:
        """Return a window around an object, its pixels per pixel of the photo, and its upper left corner there."""
        config = self._config
        side = search_side((box[2] - box[0], box[3] - box[1]))
        across = down = 0.0
        if moves:
            side *= float(np.exp(random.uniform(-config.stretch, config.stretch)))
            across, down = (
                float(value) for value in random.uniform(-config.shift, config.shift, 2) * side / self._side
            )
        centre = (box[0] + box[2]) / 2 + across, (box[1] + box[3]) / 2 + down
        fill = image.mean(axis=(0, 1)).astype(np.uint8)
        window = window_of(image, centre, (side, side), (self._side, self._side), fill=fill)
        changed = _changed(window, random, config.change)
        return changed, self._side / side, (centre[0] - side / 2, centre[1] - side / 2)


def _polygons(chosen: _Object, image: np.ndarray) -> list[list[float]]:
    """Return the outlines of an object in pixels of its photo."""
    height, width = image.shape[:2]
    scaled = []
    for polygon in chosen.photo.details[chosen.place].outline:
        corners = np.asarray(polygon, np.float64).reshape(-1, 2) * (width, height)
        scaled.append(corners.ravel().tolist())
    return scaled


def _changed(window: np.ndarray, random: np.random.Generator, strength: float) -> np.ndarray:
    """Return a window somewhat brighter or darker, of more or less contrast, or less sharp."""
    if strength == 0:
        return window
    image = Image.fromarray(window)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = kind(image).enhance(float(np.exp(random.uniform(-strength, strength))))
    if random.random() < strength:
        image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.3, 2.0))))
    return np.asarray(image)


class FilmPairs(PairSource):
    """Pairs from films: one place in two frames, wherever something moves; what is there is not known.

    Args:
        films: frames of each, ``(N, H, W, 3)`` uint8.
        config: how pairs are made.
        side: ``S``, pixels of a window's side.
        seed: of all pairs.
    """

    TRIES = 8
    """Places that are looked at; the one where most moves is taken."""

    def __init__(self, films: Sequence[np.ndarray], config: PairsConfig, *, side: int, seed: int) -> None:
        self._films, self._config, self._side, self._seed = films, config, side, seed

    def __call__(self, number: int) -> TrackingPair:
        """Make a pair."""
        random = np.random.default_rng((self._seed, number))
        film = self._films[int(random.integers(len(self._films)))]
        apart = int(random.integers(1, min(self._config.frames, len(film) - 1) + 1))
        first = int(random.integers(len(film) - apart))
        one, other = film[first], film[first + apart]
        height, width = one.shape[:2]
        side = float(random.uniform(0.5, 1.5)) * self._side / 2
        side = min(side, height, width)
        places = random.uniform((side / 2, side / 2), (width - side / 2, height - side / 2), (self.TRIES, 2))
        moved = [_moved(one, other, place, side) for place in places]
        x, y = (float(value) for value in places[int(np.argmax(moved))])
        windows = [window_of(each, (x, y), (side, side), (self._side, self._side)) for each in (one, other)]
        third = self._side / 3
        box = (third, third, 2 * third, 2 * third)
        return TrackingPair(windows[0], windows[1], box, (third, third), True)


def _moved(one: np.ndarray, other: np.ndarray, place: np.ndarray, side: float) -> float:
    """Return the mean difference of two frames in a square."""
    left, upper = (int(max(0, value - side / 6)) for value in place)
    extent = max(4, int(side / 3))
    parts = [each[upper : upper + extent, left : left + extent].astype(np.int16) for each in (one, other)]
    return float(np.abs(parts[0] - parts[1]).mean())


def read_films(path: Path, *, most: int, longest_side: int = 480) -> list[np.ndarray]:
    """Read a film, or every film of a folder, small enough to be kept in memory.

    Args:
        path: a film, a folder of pictures, or a folder of those.
        most: frames of each film that are kept, evenly spread.
        longest_side: pixels that frames are shrunk to.

    Raises:
        DataError: there is no film of two frames.
        VideoError: one cannot be read.
    """
    from seetell.photos.formats import is_photo_name
    from seetell.video.frames import open_video

    single = path.is_file() or any(is_photo_name(entry.name) for entry in path.iterdir())
    films = []
    for source in [path] if single else sorted(path.iterdir()):
        with open_video(source) as video:
            count = video.frame_count or most
            step = max(1, count // most)
            zoom = min(1.0, longest_side / max(video.size))
            size = max(1, round(video.size[0] * zoom)), max(1, round(video.size[1] * zoom))
            frames = [
                np.asarray(Image.fromarray(frame.image).resize(size, Image.Resampling.BILINEAR))
                for frame in video
                if frame.index % step == 0
            ]
        if len(frames) > 1:
            films.append(np.stack(frames[:most]))
    if not films:
        raise DataError(f"{path}: expected films of two frames or more, got none")
    return films
