from __future__ import annotations

import numpy as np
import pytest
import torch
from consistent_words import consistent_words
from copies import COMMON, copy_of, cutout, half, saved
from copy_features import DetectorInputs
from PIL import Image, ImageChops
from word_detectors import WordDetectors


@pytest.fixture
def photo() -> Image.Image:
    return Image.radial_gradient("L").convert("RGB").resize((64, 48))


def test_common_copies_look_like_the_photo_but_are_not_it(photo: Image.Image):
    for format, quality in COMMON:
        copied = saved(photo, format, quality=quality)
        assert (copied.size, copied.mode) == (photo.size, photo.mode)
        low, high = zip(*ImageChops.difference(photo, copied).getextrema(), strict=True)
        assert 0 < max(high) < 32, format
        assert max(low) < 8, format
    assert half(photo).size == (32, 24)
    assert half(Image.new("RGB", (1, 5))).size == (1, 2)


def test_copies_differ_and_cutouts_are_parts(photo: Image.Image):
    random = np.random.default_rng(0)
    copies = [copy_of(photo, random) for _ in range(40)]
    assert sum(copied is photo for copied in copies) in range(1, 10)
    assert len({copied.size for copied in copies}) > 5
    assert all(max(copied.size) <= 64 for copied in copies)
    for _ in range(40):
        part = cutout(photo, random)
        assert 0.3 * 64 * 48 < part.width * part.height <= 64 * 48


@pytest.mark.slow
def test_refitted_detectors_find_in_copies_what_is_in_the_photo():
    torch.manual_seed(0)
    detectors = WordDetectors(["dog", "street"]).eval().requires_grad_(False)
    detectors.linear.weight.normal_(std=0.1)

    def seen(pooled: torch.Tensor) -> DetectorInputs:
        count = len(pooled)
        return DetectorInputs(pooled, torch.zeros(count, 1000), torch.zeros(count, 80), torch.zeros(count, 80, 5))

    photos = torch.randn(400, 1280)
    photos[:, 40:] = 0
    copies = photos.clone()
    copies[:, :5] += 2 * torch.randn(400, 5)  # what copying does to some features
    fitted = consistent_words(detectors, [seen(photos)], [[seen(photos), seen(copies)]])
    logits = [[torch.logit(each(*seen(own))[0]) for own in (photos, copies)] for each in (detectors, fitted)]
    (before, changed), (after, still_changed) = logits
    assert (still_changed - before).square().mean() < 0.9 * (changed - before).square().mean()
    assert (after - before).square().mean() < 0.5 * (changed - before).square().mean()
