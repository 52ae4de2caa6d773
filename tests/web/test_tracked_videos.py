"""The server follows the objects of short videos."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from block_detector import BlockDetector, moving_blocks
from small_films import write_film
from starlette.testclient import TestClient
from web.conftest import ADDRESS

from seetell.tasks.tracking.predict import ObjectTracker
from seetell.web.application import application

pytestmark = pytest.mark.slow

pytest.importorskip("av")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    tracker = ObjectTracker("blocks", BlockDetector, threads=1)
    with TestClient(application({"track": tracker}), base_url=ADDRESS) as client:
        yield client


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("films") / "walk.mp4"
    return write_film(path, moving_blocks(), size=(120, 60)).read_bytes()


def test_objects_are_followed_and_counted(client: TestClient, film: bytes):
    options = {"only": "person", "count_line": "20,0,20,60"}
    answer = client.post("/v1/track", files={"video": ("walk.mp4", film)}, params=options)
    assert answer.status_code == 200, answer.text
    row = answer.json()
    assert (row["video"], row["size"], row["frame_count"], row["model"]) == (
        "walk.mp4",
        [120, 60],
        20,
        "blocks, bytetrack",
    )
    (track,) = row["tracks"]
    assert (track["text"], track["from"], track["to"], len(track["boxes"])) == ("person", 0.0, 1.9, 20)
    (crossing,) = row["crossings"]
    assert (crossing["id"], crossing["direction"]) == (1, "left")  # to the right in the picture
    until = client.post("/v1/track", files={"video": ("walk.mp4", film)}, params={"until": 1})
    assert until.json()["frame_count"] == 10


def test_wrong_options_and_no_film(client: TestClient, film: bytes):
    for params in ({"tracker": "srot"}, {"only": "dgo"}, {"count_line": "1,2"}, {"detections": "/etc/passwd"}):
        answer = client.post("/v1/track", files={"video": ("walk.mp4", film)}, params=params)
        assert answer.status_code == 422, params
    assert client.post("/v1/track", files={"video": ("a.mp4", b"none")}).json()["code"] == "unusable_video"
