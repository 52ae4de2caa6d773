"""Training batches in which every random choice follows from the seed and the step, so that nothing else is stored.

Photos are shuffled anew each epoch by (seed, epoch); captions, mirroring and cropping are drawn by (seed, step). A
batch may be computed in parts, by one process or by several: it is drawn as a whole, so that it is the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from seetell.data.records import Photo
from seetell.errors import RecipeError
from seetell.photos import Preprocessing, open_photo
from seetell.training.config import RunConfig
from seetell.training.processes import Processes

CROP_SCALE = 8 / 7  # random crops of 224 pixels are taken from 256


class Part(NamedTuple):
    """One of the parts of about the same size that a batch is computed in.

    Attributes:
        number: from 0.
        total: of the parts.
    """

    number: int
    total: int

    def of(self, items: int) -> slice:
        """Return the places of this part of a number of items."""
        return slice(self.number * items // self.total, (self.number + 1) * items // self.total)


WHOLE = Part(0, 1)
"""A batch that is computed at once."""


def parts_of_process(config: RunConfig, processes: Processes) -> list[Part]:
    """Return the parts of every batch that this process computes.

    Raises:
        RecipeError: the batch is too small for the processes, or its loss cannot be computed in parts.
    """
    total = max(config.batch_parts, processes.count)
    if total > 1:
        if config.batch_size < 2 * total:  # a part of fewer may be empty where photos occur twice
            raise RecipeError(
                f"batch_size: expected at least 2 photos for each of {total} parts, got {config.batch_size}"
            )
        config.section.check_parts(total, processes.count)
        config.adaptation.check_parts(total)
    return [Part(number, total) for number in range(processes.rank, total, processes.count)]


@dataclass(frozen=True)
class BatchIndices:
    """What one step trains on.

    Attributes:
        photos: ``(B,)`` positions in the list of training photos.
        captions: ``(B, C)`` positions among each photo's captions.
        mirrored: ``(B,)`` whether the photo is mirrored.
        offsets: ``(B, 2)`` where the crop lies, down and right, each from 0 to 1.
        seeds: ``(B,)`` of the other changes to the photo.
    """

    photos: np.ndarray
    captions: np.ndarray
    mirrored: np.ndarray
    offsets: np.ndarray
    seeds: np.ndarray

    def unique_photos(self) -> BatchIndices:
        """Return the same with each photo once; a batch across the end of an epoch may contain one twice."""
        return self._chosen(np.sort(np.unique(self.photos, return_index=True)[1]))

    def part(self, part: Part) -> BatchIndices:
        """Return the photos of a part."""
        return self._chosen(part.of(len(self.photos)))

    def _chosen(self, places: np.ndarray | slice) -> BatchIndices:
        return BatchIndices(*(getattr(self, field.name)[places] for field in fields(self)))


def sample_batch_indices(
    step: int, *, seed: int, caption_counts: np.ndarray, batch_size: int, captions_per_photo: int, flip: bool
) -> BatchIndices:
    """Choose a step's photos, captions and views.

    Photos come in an order shuffled each epoch; the last batch of an epoch is filled from the next one. Captions are
    drawn without repetition while a photo has enough of them.

    Args:
        step: counted from 0.
        seed: of the run.
        caption_counts: ``(N,)`` captions of each training photo.
        batch_size: ``B``.
        captions_per_photo: ``C``.
        flip: mirror a photo with probability 0.5.
    """
    count = len(caption_counts)
    places = range(step * batch_size, (step + 1) * batch_size)
    orders = {
        epoch: np.random.default_rng((seed, 1, epoch)).permutation(count)
        for epoch in {place // count for place in places}
    }
    photos = np.array([orders[place // count][place % count] for place in places])
    random = np.random.default_rng((seed, 2, step))
    captions = np.stack([_choose(random, caption_counts[photo], captions_per_photo) for photo in photos])
    return BatchIndices(
        photos=photos,
        captions=captions,
        mirrored=(random.random(batch_size) < 0.5) & flip,
        offsets=random.random((batch_size, 2)),
        seeds=random.integers(2**63, size=batch_size),
    )


def _choose(random: np.random.Generator, available: int, wanted: int) -> np.ndarray:
    rounds = [random.permutation(available) for _ in range(-(-wanted // available))]
    return np.concatenate(rounds)[:wanted]


def step_seed(seed: int, step: int, part: int = 0) -> int:
    """Return the seed of a part of a step for dropout, independent of those of other steps and parts."""
    return int(np.random.SeedSequence((seed, 3, step, part)).generate_state(1, np.uint64)[0] >> 1)


def photo_pixels(record: Photo, preprocessing: Preprocessing) -> np.ndarray:
    """Open a photo and preprocess it as at prediction, ``(3, H, W)`` float32."""
    return preprocessing(open_photo(record.path, at_least=(preprocessing.width, preprocessing.height)))


def training_pixels(record: Photo, preprocessing: Preprocessing, *, crop: bool) -> np.ndarray:
    """Open a photo for training on pixels.

    Args:
        record: the photo.
        preprocessing: the encoder's.
        crop: enlarge it by 8/7, to be cropped, as NeuralTalk2 did; otherwise resize it as at prediction.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    height, width = preprocessing.height, preprocessing.width
    if crop:
        height, width = round(height * CROP_SCALE), round(width * CROP_SCALE)
    photo = open_photo(record.path, at_least=(width, height))
    return preprocessing.resize(photo, height=height, width=width)


def cropped(pixels: np.ndarray, preprocessing: Preprocessing, *, offset: np.ndarray, mirrored: bool) -> np.ndarray:
    """Cut an encoder's input out of a photo.

    Args:
        pixels: of :func:`training_pixels`.
        preprocessing: the encoder's.
        offset: ``(2,)`` from 0 to 1: where the crop lies, down and right.
        mirrored: mirror it left to right.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    height, width = preprocessing.height, preprocessing.width
    full_height, full_width, _ = pixels.shape
    top, left = round(offset[0] * (full_height - height)), round(offset[1] * (full_width - width))
    pixels = pixels[top : top + height, left : left + width]
    return pixels[:, ::-1] if mirrored else pixels
