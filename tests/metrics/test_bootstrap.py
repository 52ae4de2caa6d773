from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.errors import UsageError
from seetell.metrics import Scores, score_captions
from seetell.metrics.bleu import bleu
from seetell.metrics.captions import MeanScores
from seetell.metrics.significance import blocks, confidence_intervals, interval, resampled_scores

REFERENCES = {
    1: ["a dog runs on a hill", "the dog runs"],
    2: ["a cat sleeps on a chair"],
    3: ["two boats on a lake at night", "boats at night"],
    4: ["a child eats bread"],
}
CANDIDATES = {1: "a dog on a hill", 2: "a cat sleeps", 3: "a lake", 4: "a child eats bread"}


def one_mean(values: list[float]) -> Scores:
    metric = MeanScores("mean", np.array(values))
    rows = {photo: {"mean": value} for photo, value in enumerate(values)}
    return Scores({"mean": float(np.mean(values))}, rows, (metric,))


def test_two_photos_have_four_equally_likely_draws():
    drawn = resampled_scores([MeanScores("mean", np.array([0.0, 1.0]))], resamples=4000, seed=0)["mean"]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    np.testing.assert_allclose(counts / 4000, [0.25, 0.5, 0.25], atol=0.03)


def test_the_interval_is_that_of_the_normal_distribution_for_many_photos():
    values = np.random.default_rng(3).normal(0.5, 0.2, 400)
    found = confidence_intervals(one_mean(values.tolist()), resamples=4000, seed=1)["mean"]
    error = values.std() / math.sqrt(400)
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


def test_a_wider_level_is_a_wider_interval():
    values = np.arange(101.0)
    middle = interval(values, 0.5)
    assert (middle.low, middle.high) == (25.0, 75.0)
    assert interval(values, 0.9).low == pytest.approx(5.0)


def test_bleu_is_recomputed_from_the_photos_drawn():
    references = [[sentence.split() for sentence in said] for said in REFERENCES.values()]
    candidates = [sentence.split() for sentence in CANDIDATES.values()]
    drawn = resampled_scores([bleu(references, candidates)], resamples=5, seed=7)
    photos = np.random.default_rng(7).integers(4, size=(5, 4))
    for row, chosen in enumerate(photos):
        again = bleu([references[photo] for photo in chosen], [candidates[photo] for photo in chosen]).corpus
        np.testing.assert_allclose([drawn[f"Bleu_{order}"][row] for order in (1, 2, 3, 4)], again, rtol=1e-12)


def test_every_score_has_an_interval_around_it_and_the_seed_decides():
    scores = score_captions(REFERENCES, CANDIDATES, metrics=("CIDEr", "Bleu_2", "CIDEr_plain"))
    intervals = confidence_intervals(scores, seed=5)
    assert list(intervals) == ["CIDEr", "Bleu_2", "CIDEr_plain"]
    for name, found in intervals.items():
        assert found.low < scores.corpus[name] < found.high
    assert confidence_intervals(scores, seed=5) == intervals
    assert confidence_intervals(scores, seed=6) != intervals


def test_repeats_are_divided_so_that_memory_is_bounded():
    assert list(blocks(5, 1000)) == [1000]
    sizes = list(blocks(1 << 21, 5))
    assert sizes == [2, 2, 1]
    assert list(blocks(1 << 30, 2)) == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resamples": 0}, "at least 1 resample, got 0"),
        ({"level": 95}, "between 0 and 1, such as 0.95, got 95"),
        ({"level": 0.0}, "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, float], message: str):
    with pytest.raises(UsageError, match=message):
        confidence_intervals(one_mean([0.1, 0.2]), **options)  # type: ignore[arg-type]
