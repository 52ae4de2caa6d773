from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from captioned_shapes import write_shapes

from seetell.data.feature_cache import FeatureCache
from seetell.errors import DataError
from seetell.file_lock import FileLock
from seetell.photos import Preprocessing, open_photo

SIZE = Preprocessing(8, 8, mean=(0, 0, 0), std=(255, 255, 255))


def encode(images):
    """Mean colour of the left half, then the four corners."""
    left = images[..., :4].mean(axis=(2, 3))
    corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    return np.concatenate([left[:, None], np.moveaxis(corners, 1, 2)], axis=1)


def cache(folder, **changes) -> FeatureCache:
    return FeatureCache(
        folder, **{"weights_hash": "w", "preprocessing": SIZE, "shape": (5, 3), "flips": True, **changes}
    )


@pytest.fixture
def photos(tmp_path):
    return sorted(write_shapes(tmp_path / "shapes").glob("*.png"))


def test_records_are_the_features_of_photo_and_mirror_image(tmp_path, photos):
    filled = cache(tmp_path / "cache")
    assert filled.fill(photos, encode, batch_size=5) == {}
    records = filled.open()[filled.rows(photos)]
    assert records.shape == (len(photos), 2, 5, 3)
    for record, photo in zip(records, photos, strict=True):
        image = SIZE(open_photo(photo))[None]
        for view, pixels in enumerate((image, image[..., ::-1])):
            np.testing.assert_allclose(record[view], encode(pixels)[0], atol=1e-3)


def test_photos_may_be_prepared_for_several_networks(tmp_path, photos):
    larger = Preprocessing(12, 16, resample="bilinear")

    def encode_both(images, others):
        assert others.shape[1:] == (3, 12, 16)
        return np.concatenate([encode(images), others[:, :, :, :8].mean(axis=(2, 3))[:, None]], axis=1)

    filled = cache(tmp_path / "cache", preprocessing=(SIZE, larger), shape=(6, 3))
    assert filled.fill(photos, encode_both, batch_size=5) == {}
    record = filled.open()[filled.rows(photos[:1])][0]
    photo = open_photo(photos[0])
    np.testing.assert_allclose(record[1, 5], larger(photo)[:, :, 8:].mean(axis=(1, 2)), atol=1e-2)
    np.testing.assert_allclose(record[0, :5], encode(SIZE(photo)[None])[0], atol=1e-3)


def test_a_second_fill_encodes_only_what_is_new(tmp_path, photos):
    seen = []

    def counting(images):
        seen.append(len(images))
        return encode(images)

    cache(tmp_path / "cache").fill(photos[:5], counting)
    cache(tmp_path / "cache").fill(photos, counting)
    cache(tmp_path / "cache").fill(photos, counting)
    assert sum(seen) == 2 * len(photos)  # each and its mirror image


def test_weights_preprocessing_and_kind_have_caches_of_their_own(tmp_path, photos):
    other = Preprocessing(8, 8, fit="crop")
    folders = {
        cache(tmp_path, **changes).folder
        for changes in ({}, {"weights_hash": "v"}, {"preprocessing": other}, {"shape": (1, 3)}, {"flips": False})
    }
    assert len(folders) == 5


@pytest.mark.parametrize("torn", ["record", "index", "both"])
def test_a_killed_run_loses_only_its_last_photos(tmp_path, photos, torn):
    first = cache(tmp_path / "cache")
    first.fill(photos[:6], encode)
    expected = np.array(first.open()[first.rows(photos[:4])])
    records, index = first.folder / "features.bin", first.folder / "index.jsonl"
    if torn in ("record", "both"):
        os.truncate(records, records.stat().st_size - 7)
    if torn in ("index", "both"):
        os.truncate(index, index.stat().st_size - 9)
    again = cache(tmp_path / "cache")
    assert photos[5] not in again
    assert again.fill(photos, encode, batch_size=3) == {}
    records_now = again.open()
    assert len(set(again.rows(photos).tolist())) == len(photos) == len(records_now)
    np.testing.assert_array_equal(records_now[again.rows(photos[:4])], expected)
    assert len(cache(tmp_path / "cache")._rows) == len(photos)
    fresh = cache(tmp_path / "fresh")
    fresh.fill(photos, encode)
    np.testing.assert_array_equal(records_now[again.rows(photos)], fresh.open()[fresh.rows(photos)])


def test_an_edited_photo_is_encoded_again(tmp_path, photos):
    filled = cache(tmp_path / "cache")
    filled.fill(photos, encode)
    photos[0].write_bytes(photos[1].read_bytes())
    os.utime(photos[0], ns=(1, 1))
    assert photos[0] not in cache(tmp_path / "cache")


def test_photos_that_do_not_open_are_named_and_do_not_affect_the_others(tmp_path, photos):
    photos[3].write_bytes(b"not an image")
    missing = tmp_path / "missing.png"
    filled = cache(tmp_path / "cache")
    failures = filled.fill([*photos, missing], encode, batch_size=2)
    assert set(failures) == {photos[3], missing}
    assert len(filled.rows([photo for photo in photos if photo != photos[3]])) == len(photos) - 1
    with pytest.raises(DataError, match="fill it first"):
        filled.rows([missing])


def test_progress_ends_at_the_number_of_photos(tmp_path, photos):
    told = []
    cache(tmp_path / "cache").fill(
        photos, encode, batch_size=5, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(5, 12), (10, 12), (12, 12)]


def test_who_has_nothing_to_write_need_not_wait(tmp_path, photos):
    filled = cache(tmp_path / "cache")
    filled.fill(photos[:1], encode)

    def meanwhile(images):
        other = cache(tmp_path / "cache")
        assert other.fill(photos[:1], encode) == {}
        assert len(other.rows(photos[:1])) == 1
        return encode(images)

    assert filled.fill(photos, meanwhile) == {}


@pytest.mark.slow
def test_a_second_writer_waits_for_the_first(tmp_path, photos):
    filled = cache(tmp_path / "cache")
    first = FileLock(filled.folder / "lock")
    threading.Timer(0.2, first.release).start()
    assert filled.fill(photos[:1], encode) == {}
    assert photos[0] in filled


def test_two_writers_for_long_are_refused(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("seetell.data.feature_cache.PATIENCE", 0.0)
    filled = cache(tmp_path / "cache")

    def meanwhile(images):
        with pytest.raises(DataError, match="another process"):
            cache(tmp_path / "cache").fill(photos, encode)
        return encode(images)

    filled.fill(photos[:2], meanwhile)


def test_a_file_is_no_place_for_a_cache(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write in .*file.* \(Not a directory\); name another folder"):
        cache(tmp_path / "file")
