from __future__ import annotations

import numpy as np

from seetell.tasks.tracking.collect import Collector
from seetell.tasks.tracking.detections import Seen


def seen(*targets: tuple[int, float, bool], label: str = "dog") -> Seen:
    """Return targets with their numbers, left edges, and whether they are confirmed."""
    boxes = np.array([[left, 0, left + 10, 10] for _, left, _ in targets], np.float64).reshape(-1, 4)
    ids, confirmed = np.array([target[0] for target in targets]), np.array([target[2] for target in targets])
    return Seen(ids, boxes, np.full(len(targets), 0.5), np.full(len(targets), label), confirmed)


def collected(*, from_first: bool) -> Collector:
    collector = Collector(from_first=from_first)
    for frame, each in enumerate(
        [
            seen((5, 0.0, False), (9, 100.0, True)),
            seen((5, 1.0, True), (9, 100.0, True)),
            seen((5, 2.0, True), (7, 50.0, False), label="cat"),
            seen(),
            seen(),
            seen((5, 8.0, True)),
        ]
    ):
        collector.add(frame, frame / 2, each)
    return collector


def test_tracks_count_up_and_have_the_label_they_had_most_often():
    tracks = collected(from_first=True).tracks()
    assert [(track.id, track.text, track.frames.tolist()) for track in tracks] == [
        (1, "dog", [0, 1, 2, 5]),
        (2, "dog", [0, 1]),
    ]
    assert tracks[0].seconds.tolist() == [0.0, 0.5, 1.0, 2.5]
    assert tracks[0].boxes[:, 0].tolist() == [0, 1, 2, 8]


def test_what_nobody_knew_then_is_left_out():
    first, second = collected(from_first=False).tracks()
    assert (first.frames.tolist(), second.frames.tolist()) == ([0, 1], [1, 2, 5])


def test_gaps_are_filled_on_a_straight_line_up_to_a_length():
    track = collected(from_first=True).tracks(gap=2)[0]
    assert track.frames.tolist() == [0, 1, 2, 3, 4, 5]
    assert track.boxes[:, 0].tolist() == [0, 1, 2, 4, 6, 8]
    assert track.seconds.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert len(collected(from_first=True).tracks(gap=1)[0]) == 4


def test_short_tracks_are_left_out():
    assert [len(track) for track in collected(from_first=True).tracks(shortest=3)] == [4]
    assert Collector(from_first=True).tracks() == ()
