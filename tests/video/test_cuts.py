from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import count, islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from small_films import scene

from seetell.video.cuts import CutFinder, colour_histogram, difference
from seetell.video.frames import open_video

DATA = Path(os.environ.get("SEETELL_DATA", "../shared/data"))


def cuts(
    frames: Iterable[np.ndarray],
    fps: float = 10,
    shortest: float = 1,
    shown: Iterable[float] | None = None,
    end: float | None = None,
) -> list[int]:
    finder, seconds = CutFinder(fps, shortest), shown or (index / fps for index in count())
    found = [place for frame, at in zip(frames, seconds, strict=False) for place in finder.add(frame, at)]
    return [place.frame for place in [*found, *finder.finish(end)]]


def test_the_histogram_of_one_colour_by_hand():
    grey = np.full((36, 64, 3), 255 * 0.25 * 1.25, np.uint8)  # a quarter of the way from the second bin to the third
    histogram = colour_histogram(grey).reshape(9, 5, 5, 5)
    assert histogram.sum() == pytest.approx(1, abs=1e-5)
    upper = 79 * 4 / 255 - 1  # 255 · 0.3125 is cut to 79
    assert histogram[:, 2, 2, 2].sum() == pytest.approx(upper**3, abs=1e-4)
    assert histogram[:, 1, 1, 2].sum() == pytest.approx((1 - upper) ** 2 * upper, abs=1e-4)
    assert histogram[4].sum() == pytest.approx(1 / 9, abs=0.02)
    assert difference(histogram, colour_histogram(np.zeros_like(grey)).reshape(9, 5, 5, 5)) == pytest.approx(1)


def test_cuts_are_found_to_the_frame():
    frames = [*scene(0, 17), *scene(1, 31, speed=2), *scene(2, 12), *scene(3, 40, speed=1)]
    assert cuts(frames) == [17, 48, 60]
    assert cuts([*scene(0, 15), *scene(1, 15)]) == [15]


def test_neither_a_pan_nor_a_flash_nor_noise_is_a_cut():
    assert cuts(scene(4, 100, speed=3)) == []
    assert cuts(scene(5, 60, noise=40)) == []
    still = [*scene(6, 60)]
    still[30] = np.full_like(still[0], 255)
    assert cuts(still) == []


def test_shots_have_a_least_length():
    frames = [*scene(0, 20), *scene(1, 4), *scene(2, 30)]
    assert cuts(frames, shortest=1) in ([20], [24])
    assert cuts([*scene(0, 20), *scene(1, 4)]) == []
    assert cuts([*scene(0, 5), *scene(1, 20)]) == []


def test_a_dissolve_is_a_boundary_in_its_middle():
    before, after = [*scene(0, 40)], [*scene(1, 40)]
    mixed = [
        ((6 - step) / 6 * before[step].astype(float) + step / 6 * after[step]).astype(np.uint8) for step in range(6)
    ]
    (place,) = cuts([*before, *mixed, *after])
    assert 41 <= place <= 45


def test_a_boundary_is_told_soon_and_an_hour_takes_no_more_memory():
    finder, told = CutFinder(10, 1), {}
    for index, frame in enumerate([*scene(0, 60), *scene(1, 120)]):
        told.update(dict.fromkeys(finder.add(frame, index / 10), index))
        assert index - 20 <= finder.certain.frame <= index
    assert told == {(60, 6.0): 72}
    assert len(finder._peaks) <= len(finder._steps) == len(finder._frames) <= 2 * finder._lag


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "tracking").is_dir(), reason="needs the tracking sequences")
def test_joined_sequences_are_told_apart_and_each_is_one_shot():
    def part(name: str, first: int, count: int) -> list[np.ndarray]:
        return [frame.image for frame in islice(iter(open_video(DATA / "tracking" / name)), first, first + count)]

    walk, crossing, tennis = part("vtest.avi", 0, 60), part("crossing", 0, 100), part("tennis", 0, 60)
    joined = [*walk[:40], *crossing[:40], *tennis[:40], *walk[20:], *crossing[60:]]
    for fps in (10, 25):
        assert cuts(joined, fps) == [40, 80, 120, 160]
        assert not cuts(walk, fps) + cuts(crossing, fps) + cuts(tennis, fps)


@pytest.mark.parametrize("fps", [0.2, 0.5, 0.9, 1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("shortest", [0.1, 1.0])
def test_films_of_few_frames_a_second_have_cuts_too(fps: float, shortest: float):
    length = max(2, round(5 * fps))
    frames = [frame for seed in range(3) for frame in scene(seed, length)]
    assert cuts(frames, fps, shortest) == [length, 2 * length]


@pytest.mark.slow
def test_a_screen_recording_has_no_frames_while_nothing_changes():
    frames = [frame for seed in range(4) for frame in scene(seed, 3)]
    shown = [8 * slide + index / 30 for slide in range(4) for index in range(3)]
    assert cuts(frames, 30, 1, shown, end=32) == [3, 6, 9]
    assert cuts(frames, 30, 1, shown) == [3, 6]  # as the last slide is shown for a tenth of a second
    quickly = [1.5 * slide + index / 30 for slide in range(4) for index in range(3)]
    assert cuts(frames, 30, 1, quickly, end=6) == [3, 6, 9]
    assert cuts(frames, 30, 2, quickly, end=6) == [6]


@pytest.mark.slow
@pytest.mark.parametrize("shortest", [0.7, 2, 3, 5, 10])
def test_shots_are_no_shorter_than_is_asked_for(shortest: float):
    frames = [frame for seed, length in enumerate([60, 200, 30, 200, 125]) for frame in scene(seed, length)]
    begins = [0, *cuts(frames, 25, shortest), len(frames)]
    assert all((end - begin) / 25 >= shortest for begin, end in pairwise(begins))
    assert len(begins) >= 3
    assert set(begins) <= {0, 60, 260, 290, 490, 615}


def test_seconds_count_where_frames_come_irregularly():
    scenes = [20, 5, 20]
    frames = [frame for seed, length in enumerate(scenes) for frame in scene(seed, length)]
    assert cuts(frames, 6, 1) in ([20], [25])  # the second lasts for five sixths of a second
    bursts = [second + index / 60 for second in range(6) for index in range(10)]
    frames = [frame for seed in range(6) for frame in scene(seed, 10)]
    assert cuts(frames, 10, 1, bursts, end=6) == [10, 20, 30, 40, 50]
    assert cuts(frames, 10, 0.1, bursts, end=6) == [10, 20, 30, 40, 50]


def test_what_flickers_between_two_frames_is_told_where_a_frame_begins():
    frames = [frame for seed in range(8) for frame in scene(seed, 2)]
    shown = [0.9 * index for index in range(16)]
    assert set(cuts(frames, 1.1, 0.1, shown)) <= {*range(2, 16, 2)}


def test_a_rate_that_is_none_costs_no_more_than_a_usual_one():
    finder = CutFinder(1000, 1)  # as FFmpeg says where the file does not
    for index, frame in enumerate(scene(0, 40)):
        finder.add(frame, index / 25)
    assert finder._added <= 100


@pytest.mark.parametrize("shown", [[0.0] * 30, [9.0 - index for index in range(30)], [0.0, 1e9] * 15])
def test_times_that_make_no_sense_do_no_harm(shown: list[float]):
    finder = CutFinder(25, 1)
    frames = [frame for seed in range(3) for frame in scene(seed, 10)]
    told = [place for frame, at in zip(frames, shown, strict=True) for place in finder.add(frame, at)]
    told += finder.finish()
    assert [place.frame for place in told] == sorted({place.frame for place in told})
    assert finder._added <= 30 * 3 * finder._lag
