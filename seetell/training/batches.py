"""Training batches whose every random choice follows from the seed and the step: nothing else needs to be stored.

Photos are shuffled anew each epoch by (seed, epoch); captions, mirroring and cropping are drawn by (seed, step).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seetell.data.records import PhotoRecord
from seetell.language.vocabulary import END, START
from seetell.photos import Preprocessing, open_photo
from seetell.tasks.captioning.models import IGNORE_INDEX

ENLARGED = 8 / 7  # random crops of 224 pixels are taken from 256


@dataclass(frozen=True)
class Draw:
    """What one step looks at.

    Attributes:
        photos: ``(B,)`` positions in the list of training photos.
        captions: ``(B, C)`` which of its captions each photo shows.
        mirrored: ``(B,)`` whether the photo is mirrored.
        offsets: ``(B, 2)`` where the crop lies, each from 0 to 1: down, right.
    """

    photos: np.ndarray
    captions: np.ndarray
    mirrored: np.ndarray
    offsets: np.ndarray

    def without_repeated_photos(self) -> Draw:
        """Return the same with each photo once: in a batch where one epoch ends, one may come twice."""
        kept = np.sort(np.unique(self.photos, return_index=True)[1])
        return Draw(self.photos[kept], self.captions[kept], self.mirrored[kept], self.offsets[kept])


def draw(
    step: int, *, seed: int, caption_counts: np.ndarray, batch_size: int, captions_per_photo: int, flip: bool
) -> Draw:
    """Choose a step's photos, captions and views.

    Photos come in an order shuffled each epoch; the last batch of an epoch is filled from the next one. Captions are
    drawn without repetition while a photo has enough of them.

    Args:
        step: counted from 0.
        seed: of the run.
        caption_counts: ``(N,)`` captions of each training photo.
        batch_size: ``B``.
        captions_per_photo: ``C``.
        flip: mirror every other photo.
    """
    count = len(caption_counts)
    places = range(step * batch_size, (step + 1) * batch_size)
    orders = {
        epoch: np.random.default_rng((seed, 1, epoch)).permutation(count)
        for epoch in {place // count for place in places}
    }
    photos = np.array([orders[place // count][place % count] for place in places])
    random = np.random.default_rng((seed, 2, step))
    captions = np.stack([_some(random, caption_counts[photo], captions_per_photo) for photo in photos])
    return Draw(
        photos=photos,
        captions=captions,
        mirrored=(random.random(batch_size) < 0.5) & flip,
        offsets=random.random((batch_size, 2)),
    )


def _some(random: np.random.Generator, available: int, wanted: int) -> np.ndarray:
    rounds = [random.permutation(available) for _ in range(-(-wanted // available))]
    return np.concatenate(rounds)[:wanted]


def step_seed(seed: int, step: int) -> int:
    """Derive a step's seed for dropout; neighbouring steps share nothing."""
    return int(np.random.SeedSequence((seed, 3, step)).generate_state(1, np.uint64)[0] >> 1)


def caption_tensors(captions: Sequence[Sequence[Sequence[int]]], *, max_words: int) -> tuple[Tensor, Tensor]:
    """Lay out encoded captions as what the captioner reads and what it shall say.

    Args:
        captions: word numbers of ``B`` photos with ``C`` captions each, no specials.
        max_words: longer captions are cut; a cut one does not teach END, which NeuralTalk2 made it do.

    Returns:
        ``inputs`` (START and words) and ``targets`` (words and END, ``IGNORE_INDEX`` in padding), both ``(B, C, T)`` int64.
    """
    rows = [[list(words[:max_words]) for words in photo] for photo in captions]
    steps = 1 + max(len(words) for photo in rows for words in photo)
    inputs = torch.full((len(rows), len(rows[0]), steps), END)
    targets = torch.full_like(inputs, IGNORE_INDEX)
    for b, photo in enumerate(rows):
        for c, words in enumerate(photo):
            inputs[b, c, : len(words) + 1] = torch.tensor([START, *words])
            targets[b, c, : len(words)] = torch.tensor(words)
            if len(words) == len(captions[b][c]):
                targets[b, c, len(words)] = END
    return inputs, targets


def photo_pixels(record: PhotoRecord, preprocessing: Preprocessing) -> np.ndarray:
    """Open a photo and prepare it as at prediction, ``(3, H, W)`` float32."""
    return preprocessing(open_photo(record.path, at_least=(preprocessing.width, preprocessing.height)))


def cropped_pixels(
    record: PhotoRecord, preprocessing: Preprocessing, *, offset: np.ndarray, mirrored: bool, crop: bool
) -> np.ndarray:
    """Open a photo for training on pixels.

    Args:
        record: the photo.
        preprocessing: the encoder's.
        offset: ``(2,)`` from 0 to 1: where the crop lies, down and right.
        mirrored: mirror it left to right.
        crop: enlarge by 8/7 and cut out the encoder's size, as NeuralTalk2 did; otherwise resize as at prediction.

    Returns:
        ``(3, H, W)`` float32.
    """
    height, width = preprocessing.height, preprocessing.width
    full_height, full_width = (round(height * ENLARGED), round(width * ENLARGED)) if crop else (height, width)
    photo = open_photo(record.path, at_least=(full_width, full_height))
    pixels = preprocessing.resize(photo, height=full_height, width=full_width)
    top, left = round(offset[0] * (full_height - height)), round(offset[1] * (full_width - width))
    pixels = pixels[top : top + height, left : left + width]
    return preprocessing.normalise(pixels[:, ::-1] if mirrored else pixels)


def ahead(steps: range, prepare: Callable[[int], tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
    """Yield ``prepare(step)`` for each step in order, preparing the next one meanwhile in a thread."""
    with ThreadPoolExecutor(1) as worker:
        upcoming = None
        for step in steps:
            current = upcoming if upcoming is not None else worker.submit(prepare, step)
            upcoming = worker.submit(prepare, step + 1) if step + 1 in steps else None
            yield current.result()
