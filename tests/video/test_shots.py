from __future__ import annotations

import numpy as np
import pytest
from small_films import scene

from seetell.video.frames import Frame, open_video
from seetell.video.shots import KEPT, SIDE, reduced, shots_of


def of(frames: list[np.ndarray], fps: float = 10, **options: float) -> list[tuple[float, float, list[int]]]:
    video = open_video(frames, fps=fps)
    return [
        (shot.start, pytest.approx(shot.end), [frame.index for frame in shot.frames])
        for shot in shots_of(video, fps, **options)
    ]


def test_each_shot_has_frames_of_its_own():
    first, second = of([*scene(0, 25), *scene(1, 30)])
    assert first[:2] == (0.0, 2.5)
    assert second[:2] == (2.5, 5.5)
    assert first[2] == [0, 3, 6, 9, 12, 15, 18, 21, 24]
    assert second[2] == [27, 30, 33, 36, 39, 42, 45, 48, 51, 54]


@pytest.mark.slow
def test_of_a_long_shot_a_few_evenly_spread_frames_are_held():
    ((start, end, held),) = of([*scene(0, 240)], longest=100)
    assert (start, end) == (0.0, 24.0)
    assert len(held) <= 3 * KEPT
    sure = [index for index in held if index < 190]
    assert len(sure) <= KEPT
    assert max(np.diff(sure)) <= 30


def test_a_long_shot_is_divided_and_says_so():
    video = open_video([*scene(0, 100), *scene(1, 30)], fps=10)
    parts = [(shot.start, shot.begins) for shot in shots_of(video, 10, longest=4)]
    assert parts == [(0.0, True), (4.0, False), (pytest.approx(10.0), True)]


def test_frames_are_spread_over_the_shot():
    (shot,) = shots_of(open_video([*scene(0, 30)], fps=10), 10)
    assert [frame.index for frame in shot.spread(1)] == [15]
    assert [frame.index for frame in shot.spread(3)] == [3, 15, 24]
    assert len(shot.spread(12)) == len(shot.frames)


def test_few_frames_a_second_and_a_single_frame():
    assert of([*scene(0, 3), *scene(1, 4)], fps=1) == [(0.0, 3.0, [0, 1, 2]), (3.0, 7.0, [3, 4, 5, 6])]
    assert of([*scene(0, 1)], fps=1) == [(0.0, 1.0, [0])]
    assert [*shots_of([], 25)] == []


def test_large_frames_are_held_reduced():
    image = reduced(Frame(3, 0.5, np.zeros((1000, 2048, 3), np.uint8))).image
    assert image.shape == (500, SIDE, 3)


@pytest.mark.slow
def test_after_a_long_pause_a_shot_is_divided_as_before_it():
    times = [0.0, *(100 + index / 10 for index in range(1000))]
    frames = [Frame(index, at, image) for index, (at, image) in enumerate(zip(times, scene(0, 1001), strict=True))]
    parts = [*shots_of(frames, 10)]
    assert [(round(part.start), round(part.end)) for part in parts[:3]] == [(0, 100), (100, 120), (120, 140)]
    assert parts[-1].end == pytest.approx(200)
    assert all(part.start <= frame.seconds < part.end for part in parts for frame in part.frames)


def test_the_last_frame_is_shown_until_the_end():
    frames = [Frame(index, 5.0 * index, next(iter(scene(index, 1)))) for index in range(2)]
    assert [(shot.start, shot.end) for shot in shots_of(frames, 30, end=lambda: 10.0)] == [(0, 5), (5, 10)]
    assert [(shot.start, shot.end) for shot in shots_of(frames, 0.2)] == [(0, 5), (5, 10)]
