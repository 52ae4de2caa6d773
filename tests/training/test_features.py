from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.data import read
from seetell.nn.backbones import create_encoder
from seetell.training import features
from seetell.training.augmentation import AugmentationConfig
from seetell.training.batches import BatchIndices
from seetell.training.features import PixelFeatures

DRAWN = BatchIndices(
    photos=np.array([1, 0, 1]),
    captions=np.zeros((3, 1), int),
    mirrored=np.array([False, True, False]),
    offsets=np.full((3, 2), 0.5),
    seeds=np.array([7, 8, 9]),
)


@pytest.fixture
def photos(shapes):
    return read(shapes).photos[:4]


@pytest.fixture
def encoder():
    return create_encoder("lenet5", weights="none")


def opened(monkeypatch) -> list[str]:
    """Every photo that is opened for training from now on, by name."""
    names, really = [], features.training_pixels

    def open_one(record, *arguments, **options):
        names.append(record.path.name)
        return really(record, *arguments, **options)

    monkeypatch.setattr(features, "training_pixels", open_one)
    return names


def test_small_photos_are_opened_once(photos, encoder, monkeypatch):
    names = opened(monkeypatch)
    source = PixelFeatures(encoder, photos, crop=False)
    first = source.prepare(DRAWN)
    torch.testing.assert_close(source.prepare(DRAWN), first)
    assert sorted(names) == sorted(photo.path.name for photo in photos[:2])
    (all_of_them,) = source.batches(10)
    assert len(names) == 4
    with torch.no_grad():
        torch.testing.assert_close(all_of_them.pooled[1], encoder(first[:1]).pooled[0])


def test_large_ones_are_opened_each_time(photos, encoder, monkeypatch):
    monkeypatch.setattr(features, "KEPT_BYTES", 4 * 32 * 32 * 3 - 1)
    names = opened(monkeypatch)
    source = PixelFeatures(encoder, photos, crop=False)
    first = source.prepare(DRAWN)
    torch.testing.assert_close(source.prepare(DRAWN), first)
    assert len(names) == 6


def test_cropped_photos_are_whole_at_validation(photos, encoder):
    cropping = PixelFeatures(encoder, photos, crop=True)
    cropping.prepare(DRAWN)
    (cropped,), (whole,) = cropping.batches(10), PixelFeatures(encoder, photos, crop=False).batches(10)
    torch.testing.assert_close(cropped.pooled, whole.pooled)


def test_only_training_photos_are_changed(photos, encoder):
    plain = PixelFeatures(encoder, photos, crop=False)
    changing = PixelFeatures(encoder, photos, crop=False, augmentation=AugmentationConfig(pad=3, colour=2.0))
    assert not torch.equal(changing.prepare(DRAWN), plain.prepare(DRAWN))
    torch.testing.assert_close(changing.prepare(DRAWN), changing.prepare(DRAWN))
    (changed,), (unchanged,) = changing.batches(10), plain.batches(10)
    torch.testing.assert_close(changed.pooled, unchanged.pooled)
