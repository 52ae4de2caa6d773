from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from block_detector import BlockDetector, moving_blocks

import seetell
from seetell.errors import DataError, UsageError
from seetell.tasks.registry import Task
from seetell.tasks.tracking.predict import ObjectTracker, Tracker, of_transformers
from seetell.tasks.tracking.trackers import TRACKERS
from seetell.video.frames import Frame, Video


@pytest.fixture
def film() -> list[np.ndarray]:
    images = moving_blocks()
    images[9][0, 0] = 7
    return images


@pytest.fixture
def tracker() -> ObjectTracker:
    return ObjectTracker("blocks", BlockDetector, threads=1)


@pytest.mark.parametrize("name", TRACKERS)
def test_objects_are_followed(tracker: ObjectTracker, film: list[np.ndarray], name: str):
    done: list[tuple[int, int | None]] = []
    options = {"appearance": "colours"} if name == "deepsort" else {}
    tracks = tracker.predict(film, tracker=name, progress=lambda *each: done.append(each), **options)
    assert (tracks.size, tracks.fps, tracks.frame_count, tracks.model) == ((120, 60), 25, 20, f"blocks, {name}")
    assert done[-1] == (20, 20)
    whole = [track for track in tracks if len(track) == 20]
    if name == "sort":  # forgets in the frame in which nothing is found
        assert {track.text for track in tracks} == {"person", "dog"}
        return
    assert [(track.id, track.text) for track in whole] == [(1, "person"), (2, "dog")]
    assert whole[0].boxes[:, 0] == pytest.approx(2 * np.arange(20), abs=1)
    assert whole[1].boxes[:, 0] == pytest.approx(90 - 2 * np.arange(20), abs=1)


def test_one_class_is_followed_alone(tracker: ObjectTracker, film: list[np.ndarray]):
    assert [track.text for track in tracker.predict(film, only="dog")] == ["dog"]
    assert [track.text for track in tracker.predict(film, only=" dog, person ")] == ["person", "dog"]
    short = tracker.predict(film[:8])  # less than half a second
    assert (len(short), short.left_out) == (0, 2)
    every = tracker.predict(film[:8], shortest=0.0)
    assert (len(every), every.left_out) == (2, 0)


def test_detections_are_read_from_a_file(film: list[np.ndarray], tmp_path: Path):
    path = tmp_path / "det.txt"
    path.write_text("".join(f"{frame},-1,{3 * frame},11,12,20,0.9\n" for frame in range(1, 19)), encoding="utf-8")

    def none() -> object:
        raise AssertionError("no detector is needed")

    tracker = ObjectTracker("none", none, threads=1)
    (track,) = tracker.predict(film, detections=path)
    assert (track.text, track.frames.tolist()) == ("person", list(range(18)))
    assert track.boxes[-1] == pytest.approx([53, 10, 65, 30], abs=0.5)
    with pytest.raises(UsageError, match="all of persons"):
        tracker.check(detections=path, only="dog")
    path.write_text("1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"det\.txt, line 1"):
        tracker.predict(film, detections=path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tracker": "srot"}, r"unknown tracker 'srot'\. Did you mean 'sort'"),
        ({"appearance": "smell"}, "unknown appearance"),
        ({"only": "person,dgo"}, r"unknown class 'dgo'\. Did you mean 'dog'"),
        ({"threshold": 1.5}, "threshold must be from 0 to 1"),
        ({"patience": -1.0}, "patience must be at least 0 seconds, got -1"),
        ({"fill": float("nan")}, "fill must be at least 0"),
        ({"until": 0.0}, "until: expected seconds above 0, got 0"),
        ({"count_line": "1,2"}, "expected a line x1,y1,x2,y2"),
    ],
)
def test_wrong_options(tracker: ObjectTracker, options: dict[str, object], message: str):
    with pytest.raises(UsageError, match=message):
        tracker.check(**options)


@pytest.mark.slow
def test_the_bundled_detector_tracks():
    tracker = seetell.load("track", threads=1)
    assert isinstance(tracker, Tracker)
    assert "person" in tracker.detector.labels
    assert len(tracker.predict([np.zeros((32, 32, 3), np.uint8)] * 2)) == 0


class Lasting(Video):
    """A film of which a picture is made when it is read; counts those that somebody still holds."""

    name, size, fps, frame_count = "lasting", (120, 60), 25.0, 600

    def __init__(self) -> None:
        self.held, self.most = 0, 0

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        for index in range(600):
            image = np.zeros((60, 120, 3), np.uint8)
            image[10:30, index % 100 : index % 100 + 12] = 255
            self.held += 1
            self.most = max(self.most, self.held)
            weakref.finalize(image, self._released)
            yield Frame(index, index / 25, image)

    def _released(self) -> None:
        self.held -= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bytetrack", "min_cost_flow"])
def test_a_long_film_takes_no_more_memory_than_a_short_one(tracker: ObjectTracker, name: str):
    film = Lasting()
    assert tracker.predict(film, tracker=name).frame_count == 600
    assert film.most < 10


def test_a_film_is_followed_as_far_as_it_was_asked_for(tracker: ObjectTracker, film: list[np.ndarray]):
    tracks = tracker.predict(film, until=0.6, shortest=0.1)
    assert (tracks.frame_count, tracks.problem, tracks[0].frames[-1]) == (15, "", 14)
    short = tracker.predict(film, time_limit=1e-9)
    assert (short.frame_count, short.problem) == (1, "stopped at 0:00, after 1e-09 seconds of work")


def test_a_detector_of_transformers_tracks(film: list[np.ndarray], monkeypatch: pytest.MonkeyPatch):
    def load_backend(task: Task, scheme: str) -> object:
        assert (task.name, scheme) == ("detection", "hf")
        return lambda name, threads, **options: BlockDetector()

    monkeypatch.setattr(Task, "load_backend", load_backend)
    tracks = of_transformers("owner/blocks", threads=1).predict(film)
    assert (len(tracks), tracks.model) == (2, "blocks, bytetrack")


@pytest.mark.nightly
def test_walkers_on_a_real_film_keep_their_numbers(shared_data: Path):
    pytest.importorskip("av")
    film = shared_data / "tracking" / "vtest.avi"
    if not film.is_file():
        pytest.skip("needs the film of walkers")
    tracks = seetell.load("track").predict(film, only="person")
    assert 40 <= len(tracks) <= 55
    assert sum(len(track) >= 100 for track in tracks) >= 18  # ten seconds and more
    assert sum(map(len, tracks)) > 4500
