from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import DataError, UsageError
from seetell.metrics import Scores, score_captions
from seetell.metrics.captions import MeanScores
from seetell.metrics.significance import compare

REFERENCES = {
    1: ["a dog runs on a hill"],
    2: ["a cat sleeps on a chair"],
    3: ["two boats on a lake at night"],
    4: ["a child eats some bread"],
}
GOOD = {1: "a dog runs", 2: "a cat sleeps on a bed", 3: "two boats on a lake", 4: "a child eats bread"}
BAD = {4: "a child", 3: "one car at night", 2: "a dog on a chair", 1: "some hill"}


def one_mean(values: list[float]) -> Scores:
    metric = MeanScores("mean", np.array(values))
    rows = {photo: {"mean": value} for photo, value in enumerate(values)}
    return Scores({"mean": float(np.mean(values))}, rows, (metric,))


def test_three_photos_that_all_gain_are_no_proof():
    # of the eight ways to swap sides, the two that swap all or none give a difference as large: p = 1/4
    found = compare(one_mean([0.3, 0.5, 0.9]), one_mean([0.1, 0.2, 0.8]), trials=4000)["mean"]
    assert found.difference == pytest.approx(0.2)
    assert found.p_randomisation == pytest.approx(0.25, abs=0.03)


def test_the_bootstrap_shifts_differences_to_no_difference():
    # gains of 0 and 1: resampled means 0, 1/2, 1 with 1/4, 1/2, 1/4; shifted by the mean, half are 1/2 away from 0
    found = compare(one_mean([0.0, 1.0]), one_mean([0.0, 0.0]), trials=4000)["mean"]
    assert found.difference == 0.5
    assert (found.interval.low, found.interval.high) == (0.0, 1.0)
    # the mean of 4,000 draws is not quite 1/2, so that just one of the two outer values may count
    assert found.p_bootstrap == pytest.approx(0.5, abs=0.3)


def test_many_small_gains_are_proof():
    generator = np.random.default_rng(0)
    base = generator.uniform(0, 1, 400)
    gained = base + generator.normal(0.02, 0.05, 400)
    found = compare(one_mean(gained.tolist()), one_mean(base.tolist()), trials=999)["mean"]
    assert found.p_bootstrap == found.p_randomisation == 1 / 1000
    assert 0 < found.interval.low < found.difference < found.interval.high


def test_gains_and_losses_alike_are_no_gain():
    base = np.linspace(0, 1, 201)
    gained = base + np.array([0.1, -0.1] * 100 + [0.1])
    found = compare(one_mean(gained.tolist()), one_mean(base.tolist()))["mean"]
    assert found.interval.low < 0 < found.interval.high
    assert found.p_bootstrap > 0.8
    assert found.p_randomisation > 0.8


def test_equal_systems_do_not_differ():
    scores = score_captions(REFERENCES, GOOD)
    for found in compare(scores, scores).values():
        assert (found.difference, found.p_bootstrap, found.p_randomisation) == (0.0, 1.0, 1.0)


def test_photos_are_matched_by_id_in_any_order():
    good, bad = score_captions(REFERENCES, GOOD), score_captions(REFERENCES, BAD)
    backwards = score_captions(REFERENCES, dict(reversed(BAD.items())))
    found = compare(good, bad, seed=3)
    assert {name: row.difference > 0 for name, row in found.items()} == dict.fromkeys(good.corpus, True)
    again = compare(good, backwards, seed=3)
    for name, row in found.items():
        assert again[name].p_randomisation == row.p_randomisation
        assert again[name].interval.low == pytest.approx(row.interval.low, abs=1e-12)


def test_only_metrics_of_both_are_compared():
    first = score_captions(REFERENCES, GOOD, metrics=("ROUGE_L", "Bleu_1", "Bleu_4"))
    second = score_captions(REFERENCES, BAD, metrics=("Bleu_4", "CIDEr"))
    assert list(compare(first, second)) == ["Bleu_4"]
    with pytest.raises(DataError, match="the first has ROUGE_L, the second Bleu_4"):
        compare(
            score_captions(REFERENCES, GOOD, metrics=("ROUGE_L",)),
            score_captions(REFERENCES, BAD, metrics=("Bleu_4",)),
        )


def test_other_photos_are_refused():
    fewer = {photo: GOOD[photo] for photo in (1, 2, 3)}
    with pytest.raises(DataError, match=r"1 are in one alone, such as \[4\]"):
        compare(score_captions(REFERENCES, GOOD), score_captions({1: ["a"], 2: ["b"], 3: ["c"]}, fewer))


def test_no_trial_is_no_test():
    with pytest.raises(UsageError, match="at least 1 resample"):
        compare(one_mean([0.1]), one_mean([0.2]), trials=0)
