from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

import seetell
from seetell.search.photo_index import PhotoIndex
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task
from seetell.web.application import application
from seetell.web.indexed_photos import IndexedPhotos
from seetell.web.limits import Limits
from seetell.web.photo_workers import PhotoWorkers
from seetell.web.server import listen, server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ADDRESS = "http://localhost"
DOG = Path(__file__).parents[2] / "examples" / "dog.jpg"
Serving = Callable[..., AbstractContextManager[int]]


def photo_file(
    colour: tuple[int, int, int] = (200, 30, 40), size: tuple[int, int] = (60, 40), kind: str = "PNG"
) -> bytes:
    """Return a photo of one colour, which the small models tell from others."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def until(true: Callable[[], bool]) -> None:
    """Wait for something that will come about."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


class KeptWorkers(PhotoWorkers):
    """Processes that outlive the applications which use them."""

    def close(self) -> None:
        """Leave them for the next application."""


@pytest.fixture(scope="session")
def kept_workers() -> Iterator[KeptWorkers]:
    workers = KeptWorkers()
    yield workers
    super(KeptWorkers, workers).close()


@pytest.fixture(autouse=True)
def shared_workers(kept_workers: KeptWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all applications open photos in the same processes: to start one takes longer than most tests.

    A file that tests these processes themselves has a fixture of the same name that does nothing.
    """
    monkeypatch.setattr("seetell.web.request_handler.PhotoWorkers", lambda: kept_workers)


@pytest.fixture(scope="session")
def captioner(attending_bundle: Path) -> Captioner:
    return seetell.load(attending_bundle, threads=1)


@pytest.fixture(scope="session")
def grounder(tiny_aligner: Path) -> PhraseGrounder:
    return load_for(find_task("align"), tiny_aligner, threads=1)


@pytest.fixture(scope="session")
def dense_captioner() -> DenseCaptioner:
    """The bundled one, which here tells all regions, to have many: small ones need training first."""
    captioner = seetell.load("regions", threads=1)
    captioner.confidence = replace(captioner.confidence, threshold=0.0)
    return captioner


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, grounder: PhraseGrounder) -> Path:
    """An index of a red, a green and a blue photo, the blue one twice."""
    folder = tmp_path_factory.mktemp("photos")
    for name, colour in {"rose": (250, 0, 0), "grass": (0, 250, 0), "sea": (0, 0, 250), "again": (0, 0, 250)}.items():
        (folder / f"{name}.png").write_bytes(photo_file(colour))
    location = tmp_path_factory.mktemp("index")
    with PhotoIndex(location, grounder.embedder) as photos:
        photos.update([str(folder)])
    return location


@pytest.fixture
def predictors(captioner: Captioner, dense_captioner: DenseCaptioner, grounder: PhraseGrounder) -> dict[str, Any]:
    return {"caption": captioner, "regions": dense_captioner, "align": grounder}


@pytest.fixture
def photos(index: Path, grounder: PhraseGrounder) -> IndexedPhotos:
    return IndexedPhotos(index, grounder.embedder)


@pytest.fixture
def client(predictors: dict[str, Any], photos: IndexedPhotos) -> Iterator[TestClient]:
    with TestClient(application(predictors, photos=photos), base_url=ADDRESS) as client:
        yield client


@contextmanager
def served(app: FastAPI, proxies: Collection[str] = ()) -> Iterator[int]:
    ready = threading.Event()
    with listen("127.0.0.1", 0) as listening:
        serving = server(app, grace=5, ready=ready.set, proxies=proxies)
        thread = threading.Thread(target=serving.run, args=([listening],))
        thread.start()
        try:
            assert ready.wait(30)
            yield listening.getsockname()[1]
        finally:
            serving.should_exit = True
            thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def serving() -> Serving:
    """Serve an application on a real socket of this machine, in a thread; gives its port."""
    return served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from web.browser import browser

    with browser() as started:
        yield started


@pytest.fixture
def port(predictors: dict[str, Any], photos: IndexedPhotos, serving: Serving) -> Iterator[int]:
    with serving(application(predictors, photos=photos, limits=Limits(max_bytes=2**20))) as port:
        yield port


@pytest.fixture
def page(browser: Browser, port: int, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, opened with the options of the test."""
    from web.browser import opened

    with opened(browser, port, **getattr(request, "param", {})) as page:
        yield page
