from __future__ import annotations

import numpy as np
import pytest

from seetell.metrics.meteor.scorer import MeteorScores, meteor_of


def row(candidate: list[float], reference: list[float], chunks: int) -> list[float]:
    """Words, function words, content matches of four matchers, function matches of four, for both; and chunks."""
    return [*candidate, *reference, chunks]


# "the dog runs" against "a dog is running": equal words dog, stem runs - running; the, a and is are function words.
PAIR = row([3, 1, 1, 1, 0, 0, 0, 0, 0, 0], [4, 2, 1, 1, 0, 0, 0, 0, 0, 0], 2)


def test_a_score_by_hand():
    precision = 0.75 * (1 + 0.6) / (0.75 * 2 + 0.25)
    recall = 0.75 * (1 + 0.6) / (0.75 * 2 + 0.25 * 2)
    mean = precision * recall / (0.85 * precision + 0.15 * recall)
    assert meteor_of(np.array([PAIR]))[0] == pytest.approx(mean * (1 - 0.6 * (2 / 2) ** 0.2), abs=1e-12)


def test_matchers_and_function_words_weigh_differently():
    def score(place: int) -> float:
        side = [2.0, 1.0] + [0.0] * 8
        side[place] = 1
        return float(meteor_of(np.array([row(side, side, 1)]))[0])

    exact, stem, synonym, paraphrase = (score(2 + matcher) for matcher in range(4))
    assert [stem / exact, synonym / exact, paraphrase / exact] == pytest.approx([0.6, 0.8, 0.6])
    assert score(6) / exact == pytest.approx(1 / 3)


def test_a_whole_match_has_no_penalty():
    whole = row([3, 1, 2, 0, 0, 0, 1, 0, 0, 0], [3, 1, 2, 0, 0, 0, 1, 0, 0, 0], 0)
    assert meteor_of(np.array([whole]))[0] == 1


@pytest.mark.parametrize(
    ("candidate", "reference"), [([0, 0], [3, 1]), ([3, 1], [0, 0]), ([0, 0], [0, 0]), ([3, 1], [2, 2])]
)
def test_nothing_matched_scores_zero(candidate: list[float], reference: list[float]):
    assert meteor_of(np.array([row([*candidate, *[0] * 8], [*reference, *[0] * 8], 0)]))[0] == 0


def test_the_corpus_is_scored_by_sums():
    scores = MeteorScores(np.array([PAIR, row([3, 1, *[0] * 8], [4, 2, *[0] * 8], 0)]))
    assert scores.per_photo[0] == pytest.approx(meteor_of(np.array([PAIR]))[0])
    assert scores.per_photo[1] == 0
    assert scores.corpus == pytest.approx(scores.per_photo[0] / 2)
    assert scores.combine(2 * scores.statistics[:1])[0, 0] == pytest.approx(scores.per_photo[0])
    assert scores.names == ("METEOR",)
