from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.dense import IOUS, METEORS, DenseScores, Recall, dense_average_precision, merge_regions
from seetell.results import Region


@dataclass
class Drawn:
    box: tuple[float, float, float, float]
    phrases: tuple[str, ...] = ("a dog",)


class SharedWords:
    """Stands in for METEOR: the share of a candidate's words that the best reference has, halved."""

    def __init__(self) -> None:
        self.calls = 0

    def score(self, references, candidates):
        self.calls += 1
        assert all(references)
        found = [
            max(len(set(said) & set(one)) for one in people) / max(len(said), 1) / 2
            for people, said in zip(references, candidates, strict=True)
        ]
        return SimpleNamespace(per_photo=np.array(found))


def scored(ground_truth, detections) -> DenseScores:
    return dense_average_precision(ground_truth, detections, meteor=SharedWords())


def test_the_largest_group_is_merged_first():
    boxes = np.array([[0, 0, 10, 7.2], [0, 0, 10, 10], [0, 0, 7.2, 10], [50, 50, 60, 60], [0, 0, 10, 7.1]], float)
    # The second box is the only one near the first, third and fifth: those are not near one another but for 0 and 4.
    assert [group.tolist() for group in merge_regions(boxes)] == [[0, 1, 2, 4], [3]]
    assert [group.tolist() for group in merge_regions(boxes[[0, 3, 2]])] == [[0], [1], [2]]
    assert [group.tolist() for group in merge_regions(np.array([[0, 0, 10, 7.0], [0, 0, 10, 10]]))] == [[0, 1]]
    assert merge_regions(np.zeros((0, 4))) == []


def test_merged_regions_are_their_mean_and_have_all_phrases():
    truth = {1: [Drawn((0, 0, 10, 10), ("red",)), Drawn((0, 0, 10, 8), ("blue", "green"))]}
    found = scored(truth, {1: [Region("green", (0, 0, 10, 9), 0.5)]})
    assert found == DenseScores(
        mean_ap=1.0,
        table=((1.0,) * 6,) * 5,
        detection_ap=1.0,
        detection=(1.0,) * 5,
        recall=dict.fromkeys((50, 100, 300), Recall(1.0, 1.0)),
        regions=1,
        photos=1,
    )


def test_a_case_worked_by_hand():
    truth = {"a": [Drawn((0, 0, 10, 10), ("a dog",)), Drawn((20, 0, 30, 10), ("a cat",))], "b": [Drawn((0, 0, 10, 10))]}
    detections = {
        "a": [
            Region("a dog", (0, 0, 10, 5), 0.9),  # IoU 0.5, METEOR 0.5
            Region("a dog", (0, 0, 10, 10), 0.8),  # the same region again
            Region("two horses", (20, 0, 30, 10), 0.7),  # IoU 1, METEOR 0
        ],
        "b": [Region("one dog barks aloud", (0, 0, 10, 10), 0.6)],  # IoU 1, METEOR 0.125
    }
    found = scored(truth, detections)
    # Right at IoU ≤ 0.5, METEOR < 0.125: 1, 0, 0, 1 of 3: precision 1 up to recall 1/3, 1/2 up to 2/3.
    low = (34 * 1 + 33 * 0.5) / 101
    middle = 34 / 101  # the first alone
    # IoU above 0.5: 0, 0, 0, 1: precision 1/4 up to recall 1/3.
    high = 34 * 0.25 / 101
    assert found.table == (
        *(3 * [pytest.approx((low, low, low, middle, middle, middle))]),
        *(2 * [pytest.approx((high, high, high, 0, 0, 0))]),
    )
    # The boxes alone: 1, 0, 1, 1, so that precision is 3/4 from recall 1/3 on; or 0, 0, 1, 1 with 1/2 up to 2/3.
    assert found.detection == pytest.approx((*(3 * [(34 + 67 * 0.75) / 101]), *(2 * [67 * 0.5 / 101])))
    assert found.mean_ap == pytest.approx((9 * low + 9 * middle + 6 * high) / 30)
    assert found.recall[50] == Recall(1.0, 1.0)
    assert (found.regions, found.photos) == (3, 2)


def test_a_detection_of_nothing_takes_no_region():
    truth = {1: [Drawn((0, 0, 10, 10)), Drawn((20, 20, 30, 30))]}
    last = Region("a dog", (20, 20, 30, 30), 0.5)
    alone = scored(truth, {1: [last]})
    assert alone.detection_ap == pytest.approx(51 / 101)
    assert scored(truth, {1: [Region("a dog", (50, 50, 60, 60), 0.9), last]}).detection_ap == pytest.approx(25.5 / 101)
    assert scored(truth, {1: [Region("a dog", (10, 10, 20, 20), 0.1), last]}).detection_ap == alone.detection_ap


def test_thresholds_of_iou_are_reached_and_those_of_meteor_passed():
    truth = {1: [Drawn((0, 0, 10, 10), ("a b c d e",))]}
    assert scored(truth, {1: [Region("x", (0, 0, 10, 3), 1.0)]}).detection == (1, 0, 0, 0, 0)
    at_a_quarter = scored(truth, {1: [Region("a x", (0, 0, 10, 10), 1.0)]})
    assert at_a_quarter.table[0] == (1, 1, 1, 1, 1, 0)
    assert scored(truth, {1: [Region("x", (0, 0, 10, 10), 1.0)]}).mean_ap == 0
    assert scored(truth, {1: [Region("", (0, 0, 10, 10), 1.0)]}).detection_ap == 1


def test_equal_scores_keep_their_order_and_equal_overlaps_go_to_the_first():
    truth = {1: [Drawn((0, 0, 10, 10)), Drawn((20, 0, 30, 10))], 2: [Drawn((0, 0, 10, 10))]}
    right, wrong = Region("a dog", (0, 0, 10, 10), 1.0), Region("a dog", (50, 50, 60, 60), 1.0)
    assert scored(truth, {1: [right, wrong]}).detection_ap == pytest.approx(34 / 101)
    assert scored(truth, {1: [wrong, right]}).detection_ap == pytest.approx(34 / 2 / 101)
    assert scored(truth, {2: [right], 1: [wrong]}).detection_ap == pytest.approx(34 / 2 / 101)
    between = Region("a dog", (0, 0, 30, 10), 1.0)  # a third of each of the two
    both = scored(truth, {1: [between, Region("a dog", (20, 0, 30, 10), 0.5)]})
    assert both.detection[0] == pytest.approx(67 / 101)


def test_what_is_empty():
    truth = {1: [Drawn((0, 0, 10, 10))], 2: []}
    nothing = scored(truth, {})
    assert (nothing.mean_ap, nothing.detection_ap, nothing.recall[300]) == (0, 0, Recall(0, 0))
    assert scored(truth, {2: [Region("a dog", (0, 0, 1, 1), 1.0)]}).mean_ap == 0
    with pytest.raises(DataError, match="at least one region in the ground truth"):
        scored({2: []}, {2: []})
    with pytest.raises(DataError, match="at least one region in the ground truth"):
        scored({}, {})


def test_recall_counts_the_most_certain_of_each_photo():
    truth = {1: [Drawn((0, 0, 10, 10)), Drawn((20, 0, 30, 10))], 2: [Drawn((0, 0, 10, 10))]}
    noise = [Region("", (50, 50, 51, 51), 0.9)] * 60
    found = scored(truth, {1: [*noise, Region("", (0, 0, 10, 7.5), 0.1)], 2: [Region("", (0, 0, 10, 10), 0.0)]})
    assert found.recall[50] == Recall(pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert found.recall[100] == Recall(pytest.approx(2 / 3), pytest.approx((6 * 2 / 3 + 4 / 3) / 10))
    # One detection may find several regions.
    one = scored(truth, {1: [Region("", (0, 0, 30, 10), 0.9)]})
    assert one.recall[50].at_half == 0
    assert scored({1: [Drawn((0, 0, 10, 10)), Drawn((0, 0, 10, 6))]}, {1: [Region("", (0, 0, 10, 8), 1)]}).recall[
        50
    ].at_half == pytest.approx(1)


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ({1: [Drawn((0, 0, 1, 1))]}, {2: []}, "photos of the ground truth, but 2 is not one"),
        ({1: [Drawn((0, 0, 1, 1), ())]}, {}, "photo 1: expected at least one phrase"),
        (
            {1: [Drawn((0, 0, 0, 1))]},
            {},
            "photo 1: expected finite numbers with x1 < x2 and y1 < y2 in the box of each region",
        ),
        ({1: [Drawn((0, 0, 1, 1))]}, {1: [Region("", (0, 0, np.nan, 1), 1)]}, "the box of each detection"),
        ({1: [Drawn((0, 0, 1, 1))]}, {1: [Region("", (0, 0, 1, 1), np.nan)]}, "a finite score for each detection"),
    ],
)
def test_what_cannot_be_scored(truth, found, message):
    with pytest.raises(DataError, match=message):
        scored(truth, found)


def test_boxes_alone_need_no_meteor():
    found = dense_average_precision(
        {1: [Drawn((0, 0, 10, 10))]}, {1: [Region("a dog", (0, 0, 10, 10), 1.0)]}, phrases=False
    )
    assert (found.mean_ap, found.table, found.detection_ap) == (None, None, 1)
    assert "mAP" not in found.to_dict()


def test_it_is_what_a_loop_over_pixels_gives():
    """DenseCap's way, step by step: inclusive pixels, one detection and one recall at a time."""
    random = np.random.default_rng(0)
    words = ["a", "b", "c", "d"]

    def box():
        left, top = random.integers(0, 30, 2)
        return float(left), float(top), float(left + random.integers(5, 20)), float(top + random.integers(5, 20))

    def phrase():
        return " ".join(random.choice(words, random.integers(1, 4)))

    truth, detections = {}, {}
    for photo in range(8):
        truth[photo] = [Drawn(box(), (phrase(),)) for _ in range(random.integers(0, 12))]
        detections[photo] = [Region(phrase(), box(), float(random.random())) for _ in range(random.integers(0, 15))]
    meteor = SharedWords()
    found = dense_average_precision(truth, detections, meteor=meteor)
    assert meteor.calls == 1
    records, total = slow_records(truth, detections)
    table = [[slow_ap(records, total, at, above) for above in METEORS] for at in IOUS]
    assert np.allclose(found.table, table, atol=1e-12)
    assert np.allclose(found.detection, [slow_ap(records, total, at, -1) for at in IOUS], atol=1e-12)
    assert found.regions == total


def inclusive_iou(one, other):
    width = min(one[2] - 1, other[2] - 1) - max(one[0], other[0]) + 1
    height = min(one[3] - 1, other[3] - 1) - max(one[1], other[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(each[2] - 1 - each[0] + 1) * (each[3] - 1 - each[1] + 1) for each in (one, other)]
    return width * height / (sum(areas) - width * height)


def slow_records(truth, detections):
    records, total = [], 0
    for photo, regions in truth.items():
        left = list(range(len(regions)))
        merged = []
        while left:
            near = {i: [j for j in left if inclusive_iou(regions[i].box, regions[j].box) >= 0.7] for i in left}
            group = near[max(left, key=lambda i: len(near[i]))]
            mean = [sum(regions[i].box[side] for i in group) / len(group) for side in range(4)]
            merged.append((mean, [phrase for i in group for phrase in regions[i].phrases]))
            left = [i for i in left if i not in group]
        total += len(merged)
        used = set()
        for detection in sorted(detections[photo], key=lambda region: -region.score):
            best, own = 0.0, None
            for index, (mean, _) in enumerate(merged):
                overlap = inclusive_iou(detection.box, mean)
                if overlap > best:
                    best, own = overlap, index
            ok = own is not None and own not in used
            used |= {own}
            said = detection.text.split()
            meteor = 0.0
            if ok:
                meteor = max(len(set(said) & set(one.split())) for one in merged[own][1]) / len(said) / 2
            records.append((detection.score, ok, best, meteor))
    return sorted(records, key=lambda record: -record[0]), total


def slow_ap(records, total, at, above):
    right = [ok and overlap >= at and meteor > above for _, ok, overlap, meteor in records]
    points = [(sum(right[: n + 1]) / (n + 1), sum(right[: n + 1])) for n in range(len(right))]
    best = [max((precision for precision, found in points if 100 * found >= t * total), default=0) for t in range(101)]
    return sum(best) / 101


@pytest.mark.slow
def test_phrases_are_scored_by_meteor():
    pytest.importorskip("pycocoevalcap")
    truth = {1: [Drawn((0, 0, 10, 10), ("A brown dog.", "the puppy")), Drawn((20, 0, 30, 10), ("a red hat",))]}
    found = dense_average_precision(
        truth, {1: [Region("a puppy", (0, 0, 10, 10), 1.0), Region("blue sky", (20, 0, 30, 10), 0.9)]}
    )
    assert found.table == ((pytest.approx(51 / 101),) * 6,) * 5
    assert found.detection_ap == 1
