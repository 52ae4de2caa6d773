"""Photos are opened in other processes: what hangs or crashes there is one client's error, and never the server's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_photo import dng
from web.conftest import Serving, photo_file, until
from web.wire import ask, form, health

import seetell
from seetell.errors import PhotoError, PhotoFormatError
from seetell.photos import Preprocessing, open_photo
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.web import photo_workers
from seetell.web.application import application
from seetell.web.limits import Limits
from seetell.web.photo_workers import PhotoWorkers, TooManyPixelsError

GIRAFFES = Path(__file__).parents[2] / "examples" / "giraffes.jpg"
"""Of 800 × 534 pixels."""


@pytest.fixture(scope="module")
def large() -> bytes:
    """A photo that takes more than a second to decode."""
    return photo_file(size=(7900, 7900))


@pytest.fixture(scope="module")
def sizeable() -> bytes:
    """A photo that takes more memory than a process keeps."""
    return photo_file(size=(5800, 5800))


@pytest.fixture
def shared_workers() -> None:
    """Each server has its own processes here."""


@pytest.fixture(scope="module")
def workers() -> Iterator[PhotoWorkers]:
    """They open one photo after the other, so that there is never more than one process."""
    workers = PhotoWorkers()
    yield workers
    workers.close()


@pytest.mark.slow
def test_a_photo_is_what_it_is_when_opened_here(workers: PhotoWorkers, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    content = (tmp_path / "photo.png").read_bytes()
    opened = workers.open(content, max_pixels=10**6)
    assert opened.size == (500, 300)
    assert np.array_equal(opened.pixels, pixels)
    for fit in ("squash", "crop", "pad"):
        preprocessing = Preprocessing(64, 48, fit=fit)
        both = (preprocessing, Preprocessing(32, 80, resample="bilinear"))
        resized = workers.open(str(tmp_path / "photo.png"), preprocessings=both)
        assert resized.size == (500, 300)
        for view, way in zip(resized.views, both, strict=True):
            assert np.array_equal(view, way.resize(open_photo(content)))
    assert workers.open(content, side=100).pixels.shape == (60, 100, 3)
    assert len(workers._all) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classify", "caption", "detect"])
def test_models_see_the_same_photo_by_every_road(workers: PhotoWorkers, name: str):
    model = seetell.load(name, threads=1)
    expected = seen(model.prepare(str(GIRAFFES), "a giraffe") if model.text_input else model.prepare(str(GIRAFFES)))
    with open(GIRAFFES, "rb") as file:
        for road in (
            GIRAFFES.read_bytes(),
            file,
            open_photo(GIRAFFES),
            Image.open(GIRAFFES),
            np.asarray(open_photo(GIRAFFES)),
            workers.open(GIRAFFES.read_bytes(), preprocessings=model.preprocessings),
        ):
            prepared = seen(model.prepare(road, "a giraffe") if model.text_input else model.prepare(road))
            assert all(map(np.array_equal, prepared, expected))


def seen(prepared: Any) -> list[Any]:
    """The arrays of what was prepared, and its size."""
    if isinstance(prepared, dict):
        return list(prepared.values())
    return [each for part in prepared for each in seen(part)] if isinstance(prepared, tuple) else [prepared]


@pytest.mark.parametrize("kind", ["HEIC", "JPEG XL", "RAW"])
def test_photos_of_the_extra_formats_are_opened_there_too(workers: PhotoWorkers, kind: str):
    pixels = np.full((60, 90, 3), (200, 80, 40), np.uint8)
    content = dng(pixels) if kind == "RAW" else _saved(pixels, {"HEIC": "HEIF", "JPEG XL": "JXL"}[kind])
    opened = workers.open(content, side=30)
    assert opened.size == (90, 60)
    assert np.array_equal(opened.pixels, workers.open(content, side=30).pixels)
    assert abs(opened.pixels.astype(int) - (200, 80, 40)).mean() < 30


def _saved(pixels: np.ndarray, image_format: str) -> bytes:
    import pillow_heif
    import pillow_jxl  # noqa: F401  # registers itself

    pillow_heif.register_heif_opener()
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, image_format)
    return content.getvalue()


def test_errors_are_the_same_as_here(workers: PhotoWorkers):
    with pytest.raises(PhotoFormatError, match=r"^photo: not a photo"):
        workers.open(b"words")
    with pytest.raises(PhotoError, match="cut short or damaged"):
        workers.open(photo_file(size=(99, 99), kind="JPEG")[:-100])
    with pytest.raises(TooManyPixelsError, match="at most 99 pixels; this one has 60×40"):
        workers.open(photo_file(), max_pixels=99)
    assert len(workers._all) == 1


@pytest.mark.slow
def test_one_that_takes_too_long_is_given_up(large: bytes):
    workers = PhotoWorkers(seconds=0.3)
    try:
        workers.open(photo_file())  # started
        with pytest.raises(PhotoError, match=r"crashed, or took longer than 0.3 seconds"):
            workers.open(large)
        assert not workers._all
        assert workers.open(photo_file()).size == (60, 40)
    finally:
        workers.close()


@pytest.mark.slow
def test_one_that_crashes_the_decoder_is_an_error(workers: PhotoWorkers):
    workers.start()
    (worker,) = workers._all
    worker.kill()
    with pytest.raises(PhotoError, match="decoder crashed"):
        workers.open(photo_file())
    assert workers.open(photo_file()).size == (60, 40)


@pytest.mark.slow
def test_memory_is_given_back(workers: PhotoWorkers, sizeable: bytes):
    workers.start()
    (first,) = workers._all
    assert workers.open(sizeable, side=100).pixels.shape == (100, 100, 3)
    assert first not in workers._all  # it grew, and ended
    first.end()


@pytest.mark.slow
def test_large_photos_wait_for_each_other(sizeable: bytes, monkeypatch: pytest.MonkeyPatch):
    reserved, workers = [], PhotoWorkers()
    reserve = workers._budget.reserve
    monkeypatch.setattr(workers._budget, "reserve", lambda need: reserved.append(need) or reserve(need))
    with ThreadPoolExecutor(3) as pool:
        opened = list(pool.map(lambda content: workers.open(content, side=60), [sizeable, sizeable, photo_file()]))
    workers.close()
    assert [photo.size for photo in opened] == [(5800, 5800), (5800, 5800), (60, 40)]
    assert reserved == 2 * [4 * 5800**2]


@pytest.mark.slow
def test_closing_ends_what_is_being_opened(large: bytes):
    workers = PhotoWorkers()
    workers.start()
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(workers.open, large)
        until(lambda: not workers._idle)
        workers.close()
        with pytest.raises(PhotoError):
            opening.result(30)
    with pytest.raises(PhotoError, match="about to end"):
        workers.open(photo_file())


@pytest.mark.slow
def test_a_server_goes_on_answering_while_a_photo_hangs(
    captioner: BundleCaptioner, serving: Serving, large: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(photo_workers.PhotoWorkers.__init__, "__kwdefaults__", {"seconds": 0.5})
    with (
        serving(application({"caption": captioner}, limits=Limits(max_pixels=10**8))) as port,
        ThreadPoolExecutor(1) as pool,
    ):
        hanging = pool.submit(ask, port, form(large))
        until(lambda: health(port)["in_flight"] == 1)
        assert health(port)["status"] == "ok"
        status, refused = hanging.result(10)
        assert (status, refused["code"]) == (422, "unusable_photo")
        assert "took longer than 0.5 seconds" in refused["error"]
        assert ask(port, form(photo_file()))[0] == 200
