from __future__ import annotations

import numpy as np
import pytest
from walkers import detections, walk

from seetell.errors import UsageError
from seetell.tasks.tracking.bytetrack import ByteTrack
from seetell.tasks.tracking.deepsort import DeepSort
from seetell.tasks.tracking.detections import Detections
from seetell.tasks.tracking.min_cost_flow import MinCostFlow
from seetell.tasks.tracking.motion import AreaMotion, HeightMotion
from seetell.tasks.tracking.online import OnlineTracker
from seetell.tasks.tracking.sort import Sort
from seetell.tasks.tracking.trackers import TRACKERS, create_tracker

LOOKS = np.eye(3)


def numbers(tracker: OnlineTracker | MinCostFlow, frames: list[Detections]) -> list[dict[float, int]]:
    """Return for each frame the numbers of the targets that are told, by the left edge of their boxes, rounded."""
    seen = tracker.associate(frames) if isinstance(tracker, MinCostFlow) else [*map(tracker.update, frames)]
    return [
        {round(float(box[0])): int(number) for number, box in zip(*told, strict=True)}
        for told in ((each.ids[each.confirmed], each.boxes[each.confirmed]) for each in seen)
    ]


def with_looks(centres: np.ndarray) -> list[Detections]:
    return [detections(frame, features=LOOKS[: len(frame)]) for frame in centres]


@pytest.mark.parametrize("name", TRACKERS)
def test_walkers_keep_their_numbers(name: str):
    frames = with_looks(walk(30, ((50, 50), (3, 0)), ((50, 150), (4, 1)), ((300, 100), (-2, 0))))
    told = numbers(create_tracker(name, threshold=0.5, patience=5), frames)
    assert all(len(frame) == 3 for frame in told[5:])
    assert len({tuple(frame.values()) for frame in told[5:]}) == 1


@pytest.mark.parametrize("name", ["bytetrack", "deepsort", "min_cost_flow"])
def test_a_walker_that_was_hidden_keeps_its_number(name: str):
    frames = with_looks(walk(30, ((50, 50), (3, 0))))
    frames[12:16] = [detections([], features=LOOKS[:0])] * 4
    told = numbers(create_tracker(name, threshold=0.5, patience=10), frames)
    assert {*told[11].values()} == {*told[20].values()} == {*told[-1].values()}
    assert not any(told[12:16])


def test_sort_forgets_at_once():
    frames = with_looks(walk(30, ((50, 50), (3, 0))))
    frames[12:16] = [detections([])] * 4
    told = numbers(Sort(), frames)
    assert (told[11], told[-1]) == ({73: 1}, {127: 2})
    assert not told[17]  # it is told when it has been seen again three times
    assert told[19]


def test_who_meets_and_turns_back_is_told_apart_by_looks():
    """Two walkers meet, are hidden, and each goes back; by their motion they would have passed each other."""
    there = walk(20, ((81, 100), (3, 0)), ((203, 100), (-3, 0)))
    frames = with_looks(np.concatenate([there, there[::-1]]))
    frames[18:22] = [detections([], features=LOOKS[:0])] * 4
    for tracker, left in ((DeepSort(patience=10), 1), (ByteTrack(patience=10), 2)):
        told = numbers(tracker, frames)
        assert [*told[2].values()] == [1, 2]
        assert [number for _, number in sorted(told[-1].items())] == [left, 3 - left]


def test_detections_of_low_score_keep_a_target_but_begin_none():
    centres = walk(20, ((50, 50), (3, 0)), ((50, 150), (3, 0)))
    frames = [detections(frame, scores=[0.9 if index < 8 else 0.2, 0.2]) for index, frame in enumerate(centres)]
    told = numbers(ByteTrack(), frames)
    assert [len(frame) for frame in told] == [1] * 20
    assert len({*(number for frame in told for number in frame.values())}) == 1
    assert not any(numbers(ByteTrack(low=0.5), frames)[10:])


def test_false_detections_are_not_told():
    frames = [detections([]) for _ in range(10)]
    frames[5] = detections([(50, 50)])
    for tracker in (Sort(), ByteTrack(), MinCostFlow()):
        assert not any(numbers(tracker, frames))


@pytest.mark.parametrize("tracker", [Sort(), ByteTrack(), MinCostFlow()], ids=["sort", "bytetrack", "flow"])
def test_classes_do_not_mix(tracker: OnlineTracker | MinCostFlow):
    centres = walk(20, ((50, 50), (2, 0)))
    frames = [detections(frame, labels=["dog" if index < 10 else "cat"]) for index, frame in enumerate(centres)]
    told = [number for frame in numbers(tracker, frames) for number in frame.values()]
    assert {*told[:10]}.isdisjoint(told[-5:])


@pytest.mark.parametrize("motion", [AreaMotion, HeightMotion])
def test_parts_can_be_exchanged(motion: type[AreaMotion | HeightMotion]):
    frames = with_looks(walk(12, ((50, 50), (3, 0))))
    for tracker in (Sort(motion=motion()), ByteTrack(motion=motion()), DeepSort(motion=motion())):
        assert [*numbers(tracker, frames)[-1].values()] == [1]


def test_trackers_are_named():
    with pytest.raises(UsageError, match=r"unknown tracker 'srot'\. Did you mean 'sort'"):
        create_tracker("srot", threshold=0.5, patience=1)
    with pytest.raises(ValueError, match="expected detections with features"):
        DeepSort().update(detections([(50, 50)]))
