from __future__ import annotations

import warnings

import numpy as np
import pytest

from seetell.geometry.boxes import iou
from seetell.metrics.tracking import ALPHAS, FramePair, clear_mot, hota, identity

SIDES = np.array([20, 40])


def video(seed: int, *, frames: int = 40, objects: int = 8, gaps: bool = True) -> list[FramePair]:
    """Objects that walk at random; predictions that are shifted, false, change their ids and, with gaps, are missed."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 200, (objects, 2))
    ids = np.arange(objects)
    pairs = []
    for _ in range(frames):
        place += rng.normal(0, 3, place.shape)
        present = rng.random(objects) < (0.85 if gaps else 1)
        if rng.random() < 0.1:
            one, other = rng.choice(objects, 2, replace=False)
            ids[[one, other]] = ids[[other, one]]
        if rng.random() < 0.1:
            ids[rng.integers(objects)] = ids.max() + 1
        found = rng.random(objects) < (0.8 if gaps else 1)
        if gaps and rng.random() < 0.08:
            found[:] = False
        if gaps and rng.random() < 0.08:
            present[:] = False
        boxes = np.concatenate([place, place + SIDES], axis=1)
        true, guess = boxes[present], (boxes + rng.normal(0, 4, boxes.shape))[found]
        false = rng.uniform(0, 200, (rng.integers(0, 3), 2))
        guess = np.concatenate([guess, np.concatenate([false, false + SIDES], axis=1)])
        numbers = np.concatenate([ids[found], 1000 + rng.choice(5, len(false), replace=False)])
        pairs.append(FramePair(np.arange(objects)[present] + 7, numbers, iou(true[:, None], guess[None])))
    return pairs


def in_trackeval(pairs: list[FramePair]) -> dict[str, object]:
    """Return the data that TrackEval's metrics take."""
    from seetell.metrics.tracking import numbered

    named, true, found = numbered(pairs)
    return {
        "gt_ids": [pair.true for pair in named],
        "tracker_ids": [pair.found for pair in named],
        "similarity_scores": [pair.similarity for pair in named],
        "num_gt_ids": true,
        "num_tracker_ids": found,
        "num_gt_dets": sum(len(pair.true) for pair in named),
        "num_tracker_dets": sum(len(pair.found) for pair in named),
        "num_timesteps": len(named),
    }


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_trackeval(seed: int):
    metrics = pytest.importorskip("trackeval").metrics
    pairs = video(seed)
    data = in_trackeval(pairs)
    quiet = {"PRINT_CONFIG": False}
    expected = metrics.CLEAR(quiet).eval_sequence(data)
    clear = clear_mot(pairs)
    assert (clear.matches, clear.missed, clear.false) == tuple(expected[f"CLR_{name}"] for name in ("TP", "FN", "FP"))
    assert (clear.switches, clear.fragments) == (expected["IDSW"], expected["Frag"])
    named = (clear.mostly_tracked, clear.partly_tracked, clear.mostly_lost)
    assert named == tuple(expected[name] for name in ("MT", "PT", "ML"))
    values = {"MOTA": clear.mota, "MOTP": clear.motp, "sMOTA": clear.smota, "CLR_Re": clear.recall}
    for name, value in {**values, "CLR_Pr": clear.precision}.items():
        assert value == pytest.approx(expected[name], abs=1e-9), name
    expected = metrics.Identity(quiet).eval_sequence(data)
    found = identity(pairs)
    for name, value in {"IDF1": found.f1, "IDR": found.recall, "IDP": found.precision}.items():
        assert value == pytest.approx(expected[name], abs=1e-9), name
    expected = metrics.HOTA().eval_sequence(data)
    counts = hota(pairs)
    for name, value in {"HOTA": counts.hota, "DetA": counts.detection, "AssA": counts.associated}.items():
        assert value == pytest.approx(np.mean(expected[name]), abs=1e-9), name
    assert counts.localisation == pytest.approx(np.mean(expected["LocA"]), abs=1e-9)
    assert counts.recalled / np.maximum(1, counts.matches) == pytest.approx(expected["AssRe"], abs=1e-9)
    assert counts.precise / np.maximum(1, counts.matches) == pytest.approx(expected["AssPr"], abs=1e-9)


def test_values_over_videos_are_those_of_trackeval():
    metrics = pytest.importorskip("trackeval").metrics
    videos = [video(seed, frames=20 + 10 * seed) for seed in range(3)]
    quiet = {"PRINT_CONFIG": False}
    for kind, compute in (
        (metrics.CLEAR(quiet), clear_mot),
        (metrics.Identity(quiet), identity),
        (metrics.HOTA(), hota),
    ):
        expected = kind.combine_sequences(
            {str(number): kind.eval_sequence(in_trackeval(pairs)) for number, pairs in enumerate(videos)}
        )
        first, *others = (compute(pairs) for pairs in videos)
        total = sum(others, start=first)
        named = {
            "mota": "MOTA",
            "motp": "MOTP",
            "f1": "IDF1",
            "hota": "HOTA",
            "detection": "DetA",
            "associated": "AssA",
        }
        for name, theirs in named.items():
            if hasattr(total, name):
                assert getattr(total, name) == pytest.approx(np.mean(expected[theirs]), abs=1e-9), name


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_values_are_those_of_py_motmetrics(seed: int):
    """Without gaps, over which py-motmetrics prefers the old match and TrackEval does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        motmetrics = pytest.importorskip("motmetrics")
        pairs = video(seed, gaps=False)
        taken = motmetrics.MOTAccumulator(auto_id=True)
        for pair in pairs:
            distance = np.where(pair.similarity >= 0.5, 1 - pair.similarity, np.nan)
            taken.update(pair.true.tolist(), pair.found.tolist(), distance)
        names = ["num_misses", "num_false_positives", "num_switches", "mota", "idf1", "motp"]
        expected = motmetrics.metrics.create().compute(taken, metrics=names).iloc[0]
    clear = clear_mot(pairs)
    assert clear.missed == expected["num_misses"]
    assert clear.false == expected["num_false_positives"]
    assert clear.switches == expected["num_switches"]
    assert clear.mota == pytest.approx(expected["mota"], abs=1e-9)
    assert clear.motp == pytest.approx(1 - expected["motp"], abs=1e-9)
    assert identity(pairs).f1 == pytest.approx(expected["idf1"], abs=1e-9)


def frame(true: list[int], found: list[int], similarity: list[list[float]]) -> FramePair:
    values = np.array(similarity, np.float64).reshape(len(true), len(found))
    return FramePair(np.array(true, np.int64), np.array(found, np.int64), values)


def test_a_hand_worked_video():
    pairs = [
        frame([1, 2], [7, 8], [[0.8, 0.0], [0.0, 0.6]]),
        frame([1, 2], [7, 8], [[0.6, 0.9], [0.0, 0.0]]),  # 1 stays with 7, though 8 fits better; 2 is missed
        frame([1, 2], [9], [[0.0], [0.7]]),  # 2 is found by another
        frame([1], [], []),
    ]
    clear = clear_mot(pairs)
    assert (clear.matches, clear.missed, clear.false, clear.switches, clear.fragments) == (4, 3, 1, 1, 1)
    assert clear.mota == pytest.approx(1 - 5 / 7)
    assert clear.motp == pytest.approx((0.8 + 0.6 + 0.6 + 0.7) / 4)
    assert (clear.mostly_tracked, clear.partly_tracked, clear.mostly_lost) == (0, 2, 0)
    assert identity(pairs).matches == 3  # 1 is 7 twice, and 2 is 8 or 9 once
    assert len(ALPHAS) == 19


def test_nothing_found_and_nothing_true():
    nothing = [frame([1], [], []), frame([], [], [])]
    assert (clear_mot(nothing).mota, identity(nothing).f1, hota(nothing).hota) == (0, 0, 0)
    false = [frame([], [1], [])]
    assert (clear_mot(false).false, clear_mot(false).mostly_lost, identity(false).f1) == (1, 0, 0)
    assert clear_mot([]).mota == 0
