from __future__ import annotations

import numpy as np
import pytest

from seetell.data import read
from seetell.data.feature_cache import prefetch
from seetell.photos import Preprocessing
from seetell.training.batches import Part, cropped, photo_pixels, sample_batch_indices, step_seed, training_pixels


def drawn(step: int, **changes):
    counts = np.array([5, 5, 2, 5, 5, 5, 5])
    return sample_batch_indices(
        step, **{"seed": 7, "caption_counts": counts, "batch_size": 3, "captions_per_photo": 3, "flip": True, **changes}
    )


def test_each_epoch_shows_every_photo_once_in_an_order_of_its_own():
    seen = np.concatenate([drawn(step).photos for step in range(7)])
    epochs = seen.reshape(3, 7)
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_step_depends_on_seed_and_step_alone():
    for field in ("photos", "captions", "mirrored", "offsets"):
        np.testing.assert_array_equal(getattr(drawn(4), field), getattr(drawn(4), field))
    assert not np.array_equal(drawn(4).offsets, drawn(5).offsets)
    assert not np.array_equal(drawn(4).offsets, drawn(4, seed=8).offsets)


def test_captions_repeat_only_where_a_photo_has_too_few():
    for step in range(30):
        batch = drawn(step)
        for photo, captions in zip(batch.photos, batch.captions, strict=True):
            assert len(captions) == 3
            assert len(set(captions.tolist())) == (2 if photo == 2 else 3)


def test_half_of_the_photos_are_mirrored():
    mirrored = np.concatenate([drawn(step).mirrored for step in range(400)])
    assert 0.45 < mirrored.mean() < 0.55
    assert not any(drawn(step, flip=False).mirrored.any() for step in range(10))


@pytest.fixture
def photo(shapes):
    return read(shapes).photos[0]


def test_pixels_without_crop_are_those_of_prediction(photo):
    size = Preprocessing(32, 32)
    pixels = training_pixels(photo, size, crop=False)
    plain = cropped(pixels, size, offset=np.array([0.3, 0.9]), mirrored=False)
    np.testing.assert_array_equal(size.normalise(plain), photo_pixels(photo, size))
    mirrored = cropped(pixels, size, offset=np.array([0.3, 0.9]), mirrored=True)
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_crops_are_windows_of_the_enlarged_photo(photo):
    size = Preprocessing(56, 56)
    whole = photo_pixels(photo, Preprocessing(64, 64))
    pixels = training_pixels(photo, size, crop=True)
    for offset, top, left in (((0, 0), 0, 0), ((1, 1), 8, 8), ((0.5, 0.25), 4, 2)):
        crop = cropped(pixels, size, offset=np.array(offset), mirrored=False)
        np.testing.assert_array_equal(size.normalise(crop), whole[:, top : top + 56, left : left + 56])


def test_prefetch_keeps_the_order_and_raises_errors():
    assert list(prefetch(range(3, 7), lambda step: (step,))) == [(3,), (4,), (5,), (6,)]
    batches = prefetch(range(3), lambda step: (1 // (1 - step),))
    assert next(batches) == (1,)
    with pytest.raises(ZeroDivisionError):
        next(batches)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_the_parts_of_a_batch_are_the_batch(total):
    whole = drawn(2, batch_size=7).unique_photos()
    parts = [whole.part(Part(number, total)) for number in range(total)]
    for field in ("photos", "captions", "mirrored", "offsets"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, field) for part in parts]), getattr(whole, field))
    sizes = [len(part.photos) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_each_part_of_each_step_has_a_seed_of_its_own():
    assert len({step_seed(7, step, part) for step in range(4) for part in range(4)}) == 16
    assert step_seed(7, 3) == step_seed(7, 3, 0)
