"""Short videos of strangers: described within limits of size, length and time, decoded in another process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_films import tinted, write_film
from starlette.testclient import TestClient
from web.conftest import ADDRESS

import seetell
from seetell.errors import VideoError
from seetell.runtime.video_predictor import VideoPredictor
from seetell.tasks.registry import find_task
from seetell.web.application import application
from seetell.web.limits import Limits
from seetell.web.videos import Sent, SentVideo, video_run

pytest.importorskip("av")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two shots of one and a half seconds each."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    return write_film(path, tinted(((250, 10, 10), 15), ((10, 10, 250), 15))).read_bytes()


@pytest.fixture(scope="module")
def describer(tiny_bundle: Path) -> VideoPredictor:
    return seetell.load(tiny_bundle, task="describe", threads=1)


@pytest.fixture(scope="module")
def client(describer: VideoPredictor) -> Iterator[TestClient]:
    with TestClient(application({"describe": describer}), base_url=ADDRESS) as client:
        yield client


@pytest.mark.slow
def test_a_video_is_described_shot_by_shot(client: TestClient, film: bytes):
    answer = client.post("/v1/describe", files={"video": ("walk.mp4", film)}, params={"frames": 1})
    assert answer.status_code == 200, answer.text
    row = answer.json()
    assert (row["video"], row["model"], row["frame_count"], row["size"]) == ("walk.mp4", "tiny", 30, [64, 48])
    assert [(shot["from"], shot["to"]) for shot in row["shots"]] == [(0.0, 1.5), (1.5, 3.0)]
    assert all(shot["caption"] for shot in row["shots"])
    until = client.post("/v1/describe", files={"video": ("walk.mp4", film)}, params={"frames": 1, "until": 1})
    assert until.json()["frame_count"] == 10


def test_what_the_server_offers_says_that_it_is_for_videos(client: TestClient):
    models = client.get("/v1/models").json()
    assert (models["tasks"]["describe"]["input"], models["limits"]["video_seconds"]) == ("video", 60)
    assert {"frames", "shortest", "longest", "until"} <= models["tasks"]["describe"]["options"].keys()
    operation = client.get("/openapi.json").json()["paths"]["/v1/describe"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["video"]
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert {"video", "shots", "frame_count"} <= example.keys()


@pytest.mark.parametrize(
    ("files", "params", "status", "code", "message"),
    [
        ({"video": ("a.mp4", b"no film")}, {}, 422, "unusable_video", "a.mp4: is no video that can be read"),
        ({"image": ("a.mp4", b"no film")}, {}, 422, "no_video", "expected a file in the field 'video' of the form"),
        ({"video": ("a.mp4", b"x")}, {"frames": 99}, 422, "invalid", "frames"),
        ({"video": ("a.mp4", b"x")}, {"shortest": 15, "longest": 2}, 422, "invalid", "expected shots of 0.5 seconds"),
    ],
)
def test_what_cannot_be_described_is_told_without_paths(
    client: TestClient, files: dict, params: dict, status: int, code: str, message: str
):
    answer = client.post("/v1/describe", files=files, params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert message in answer.json()["error"]
    assert "/proc" not in answer.text
    assert "/tmp" not in answer.text


@pytest.mark.slow
def test_a_video_that_is_too_long_is_refused_unless_a_part_is_wanted(describer: VideoPredictor, film: bytes):
    with TestClient(application({"describe": describer}, limits=Limits(video_seconds=1.5)), base_url=ADDRESS) as client:
        refused = client.post("/v1/describe", files={"video": ("a.mp4", film)})
        assert (refused.status_code, refused.json()["code"]) == (413, "video_too_long")
        assert "at most 1.5 seconds here, this one 3" in refused.json()["error"]
        part = client.post("/v1/describe", files={"video": ("a.mp4", film)}, params={"frames": 1, "until": 60})
        assert part.json()["frame_count"] == 15


@pytest.mark.slow
def test_a_video_that_nobody_waits_for_is_left(describer: VideoPredictor, film: bytes):
    run, sent = video_run(find_task("describe"), describer, Limits()), Sent("a.mp4", film)
    sent.left.set()
    (error,) = run([sent])
    assert isinstance(error, CancelledError)


@pytest.mark.slow
@pytest.mark.parametrize(("waited", "left"), [(0, 24.0), (20, 4.0), (29, 0.1)])
def test_what_a_video_waited_for_others_is_part_of_its_time(
    describer: VideoPredictor, film: bytes, waited: float, left: float, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(describer, "predict", lambda video, *, progress, until, time_limit: time_limit)
    run = video_run(find_task("describe"), describer, Limits(seconds=30))
    assert run([Sent("a.mp4", film, arrived=time.monotonic() - waited)]) == [pytest.approx(left, abs=0.15)]


@pytest.mark.slow
def test_a_client_that_goes_away_is_not_waited_for(describer: VideoPredictor, film: bytes):
    sent: list[Sent] = []

    def run(items: Sequence[Sent], **options: Any) -> list[None]:
        sent.extend(items)
        assert items[0].left.wait(10)
        return [None]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.web.application.video_run", lambda *_: run)
        app = application({"describe": describer}, limits=Limits(seconds=0.5))
        with TestClient(app, base_url=ADDRESS) as client:
            assert client.post("/v1/describe", files={"video": ("a.mp4", film)}).status_code == 503
    assert sent[0].left.is_set()


@pytest.mark.slow
def test_another_process_gives_the_frames_and_can_be_ended(film: bytes):
    with SentVideo(Sent("a.mp4", film), max_pixels=10_000, seconds=60) as video:
        assert (video.size, video.fps, video.frame_count) == ((64, 48), 10.0, 30)
        frames = list(video)
        assert [frame.index for frame in frames] == list(range(30))
        assert frames[20].seconds == pytest.approx(2.0)
        assert frames[20].image[..., 2].mean() > 200 > 50 > np.median(frames[20].image[..., 0])
        assert video.problem == ""
    with pytest.raises(VideoError, match=r"a\.mp4: .*64×48"):
        SentVideo(Sent("a.mp4", film), max_pixels=100, seconds=60)
    with SentVideo(Sent("a.mp4", film), max_pixels=10_000, seconds=60) as video:
        video._process.kill()
        with pytest.raises(VideoError, match="crashed, or took longer than 60 seconds"):
            list(video)
