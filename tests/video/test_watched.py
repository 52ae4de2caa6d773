from __future__ import annotations

import numpy as np
import pytest

from seetell.video import watched
from seetell.video.frames import open_video
from seetell.video.watched import Watched

IMAGES = np.zeros((20, 4, 6, 3), np.uint8)


def test_a_video_is_watched_to_a_second_of_it():
    done: list[tuple[int, int | None]] = []
    frames = Watched(open_video(IMAGES, fps=10), lambda *each: done.append(each), until=0.5)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert (frames.count, frames.problem, done[-1]) == (5, "", (5, 5))


@pytest.mark.parametrize("until", [1e308, float("inf")])
def test_a_video_is_watched_to_its_end_where_that_comes_first(until: float):
    done: list[tuple[int, int | None]] = []
    frames = Watched(open_video(IMAGES, fps=10), lambda *each: done.append(each), until=until)
    assert sum(1 for _ in frames) == 20
    assert done[-1] == (20, 20)


def test_a_video_is_watched_as_long_as_the_work_may_take(monkeypatch: pytest.MonkeyPatch):
    now = iter(range(100))
    monkeypatch.setattr(watched.time, "monotonic", lambda: next(now))
    frames = Watched(open_video(IMAGES, fps=10), lambda done, total: None, time_limit=3)
    assert [frame.index for frame in frames] == [0, 1]
    assert frames.problem == "stopped at 0:00, after 3 seconds of work"


def test_what_was_damaged_is_said():
    video = open_video(IMAGES)
    video.problem = "2 frames are damaged"
    frames = Watched(video, lambda done, total: None)
    assert sum(1 for _ in frames) == frames.count == 20
    assert frames.problem == "2 frames are damaged"
