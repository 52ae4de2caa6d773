from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from small_films import scene

from seetell.video.cuts import CutFinder, colour_histogram, difference
from seetell.video.frames import open_video

DATA = Path(os.environ.get("SEETELL_DATA", "../shared/data"))


def cuts(
    frames: Iterable[np.ndarray], fps: float = 10, shortest: float = 1, shown: Iterable[float] | None = None
) -> list[int]:
    finder, seconds = CutFinder(fps, shortest), shown or (index / fps for index in count())
    found = [place for frame, at in zip(frames, seconds, strict=False) for place in finder.add(frame, at)]
    return found + finder.finish()


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
    assert [*told] == [60]
    assert told[60] - 60 <= finder.lag
    assert len(finder._peaks) <= len(finder._steps) == len(finder._frames) <= 2 * finder.lag


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


def test_a_screen_recording_has_no_frames_while_nothing_changes():
    frames = [frame for seed in range(4) for frame in scene(seed, 3)]
    shown = [8 * slide + index / 30 for slide in range(4) for index in range(3)]
    assert cuts(frames, 30, 1, shown) == [3, 6, 9]
    quickly = [1.5 * slide + index / 30 for slide in range(4) for index in range(3)]
    assert cuts(frames, 30, 1, quickly) == [3, 6, 9]
    assert cuts(frames, 30, 2, quickly) == [6]


def test_a_long_gap_takes_no_longer_than_a_short_one():
    finder = CutFinder(30, 1)
    for frame, seconds in zip(scene(0, 3), [0, 1e9, 2e9], strict=True):
        assert finder.add(frame, seconds) == []
    assert finder._added < 10 * finder.lag
