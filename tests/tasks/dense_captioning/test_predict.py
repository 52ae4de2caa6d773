from __future__ import annotations

import io

import numpy as np
import pytest
from described_boxes import COLOURS
from PIL import Image

import seetell
from seetell.errors import PhotoError, UsageError
from seetell.geometry.boxes import intersection_over_smaller, iou
from seetell.results import Region
from seetell.tasks.dense_captioning.predict import DUPLICATE_OVERLAP, DenseCaptioner, drop_duplicate_captions


@pytest.fixture(scope="module")
def captioner(dense_bundle) -> DenseCaptioner:
    return seetell.load(dense_bundle, threads=1)


def boxes(width: int, height: int) -> Image.Image:
    """A red box at the upper left and a blue one at the lower right, as large as those it has learnt."""
    photo = Image.new("RGB", (width, height), (128, 128, 128))
    photo.paste(COLOURS["red"], (width // 16, height // 16, width * 7 // 16, height * 7 // 16))
    photo.paste(COLOURS["blue"], (width * 9 // 16, height * 9 // 16, width * 15 // 16, height * 15 // 16))
    return photo


def test_boxes_are_in_the_photos_own_pixels_highest_score_first(captioner):
    small, large = (captioner.predict(boxes(*size), top=5) for size in ((64, 64), (256, 128)))
    assert 1 <= len(small) <= 5
    assert [region.score for region in small] == sorted((region.score for region in small), reverse=True)
    for one, other in zip(small, large, strict=False):
        assert 0 <= other.box[0] < other.box[2] <= 256
        assert 0 <= other.box[1] < other.box[3] <= 128
        assert one.text
    np.testing.assert_allclose(np.array(large[0].box) / (4, 2, 4, 2), small[0].box, atol=2)


def test_boxes_of_a_large_file_decoded_at_a_smaller_scale_are_in_its_own_pixels(captioner):
    file = io.BytesIO()
    boxes(1024, 1024).save(file, "JPEG", quality=95)
    from_file = captioner.predict(file.getvalue())
    assert max(edge for region in from_file for edge in region.box) > 300
    opened = captioner.predict(io.BytesIO(file.getvalue()))
    assert [region.box for region in opened] == [region.box for region in from_file]


def test_many_match_one_by_one(captioner):
    photos = [boxes(64, 64), b"no photo", boxes(64, 64).rotate(90), boxes(128, 64)]
    many = list(captioner.predict_many(photos, top=4, batch_size=3))
    assert isinstance(many[1], PhotoError)
    for photo, found in zip(photos, many, strict=True):
        if isinstance(found, PhotoError):
            continue
        alone = captioner.predict(photo, top=4)
        assert [region.text for region in found] == [region.text for region in alone]
        np.testing.assert_allclose([region.box for region in found], [region.box for region in alone], atol=0.05)


def test_prepared_photos_give_the_same_regions(captioner):
    photos = [boxes(64, 64).rotate(90 * turn) for turn in range(DenseCaptioner.batch_size + 1)]
    prepared = [captioner.prepare(photo) for photo in photos]
    assert captioner.predict_prepared(prepared, top=3) == list(captioner.predict_many(photos, top=3))
    assert captioner.predict_prepared([]) == []
    with pytest.raises(UsageError, match="top must be at least 1"):
        captioner.predict_prepared(prepared, top=0)


def test_a_photo_too_large_for_memory_does_not_affect_the_others(captioner, monkeypatch):
    predict = captioner._predict

    def scarce(photos, sample_ids, **options):
        if any(size == (96, 96) for _, size in photos):
            raise MemoryError
        return predict(photos, sample_ids, **options)

    monkeypatch.setattr(captioner, "_predict", scarce)
    prepared = [captioner.prepare(boxes(side, side)) for side in (64, 96, 128)]
    first, scarcely, last = captioner.predict_prepared(prepared)
    assert isinstance(scarcely, PhotoError)
    assert first
    assert last


def test_regions_below_the_threshold_are_not_told(captioner):
    found = captioner.predict(boxes(64, 64), top=100)
    middle = found[len(found) // 2].score
    sure = captioner.predict(boxes(64, 64), top=100, threshold=middle)
    assert 0 < len(sure) < len(found)
    assert min(region.score for region in sure) >= middle


def test_no_region_repeats_a_better_one(captioner):
    found = captioner.predict(boxes(64, 64), top=100)
    for place, region in enumerate(found):
        for better in found.top(place):
            pair = np.array(region.box), np.array(better.box)
            assert iou(*pair) <= captioner.localiser.rules.nms_iou + 1e-6
            assert better.text != region.text or intersection_over_smaller(*pair) <= DUPLICATE_OVERLAP + 1e-6


def test_duplicate_captions_of_the_same_place_are_dropped():
    first = Region("a dog", (0.0, 0.0, 10.0, 10.0), 0.9)
    near, far, other = (
        Region("a dog", (0.0, 0.0, 2.0, 4.0), 0.8),
        Region("a dog", (0.0, 8.5, 10.0, 18.0), 0.7),
        Region("a brown dog", (0.0, 0.0, 2.0, 4.0), 0.6),
    )
    assert drop_duplicate_captions([first, near, far, other]) == (first, far, other)


@pytest.mark.parametrize("options", [{"top": 0}, {"batch_size": 0}, {"workers": 0}])
def test_counts_must_be_positive(captioner, options):
    with pytest.raises(UsageError, match="must be at least 1, got 0"):
        captioner.predict_many([], **options)


def test_arguments_are_checked(dense_bundle, captioner):
    with pytest.raises(UsageError, match="threads must be at least 1"):
        seetell.load(dense_bundle, threads=0)
    with pytest.raises(UsageError, match="unknown precision"):
        seetell.load(dense_bundle, precision="fp64")
    with pytest.raises(UsageError, match="top must be at least 1"):
        captioner.predict(boxes(64, 64), top=0)
    with pytest.raises(UsageError, match="threshold must be from 0 to 1"):
        captioner.predict(boxes(64, 64), threshold=1.5)
    with pytest.raises(PhotoError):
        captioner.predict("nowhere.jpg")
