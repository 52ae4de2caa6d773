from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import DataError, UsageError
from seetell.language.tokenizer import tokenize
from seetell.metrics.chair import ChairScores, chair


def words(sentence: str) -> list[str]:
    return tokenize(sentence)


def corpus(scores: ChairScores) -> list[float]:
    return scores.combine(scores.statistics.sum(axis=0, keepdims=True))[0].tolist()


def test_a_worked_example():
    references = [[words("A cat sleeps."), words("A kitten on a sofa")], [words("A man surfs.")]]
    candidates = [words("a cat and a dog on a couch near a dog"), words("a surfer in the water")]
    scores = chair(references, candidates)
    # dog and dog of cat, dog, couch, dog; none of surfer
    np.testing.assert_array_equal(scores.statistics, [[2, 4, 1, 1], [0, 1, 0, 1]])
    assert corpus(scores) == [2 / 5, 1 / 2]
    assert scores.names == ("CHAIRi", "CHAIRs")


def test_an_object_with_a_box_is_present():
    candidates = [words("a cat beside a vase")]
    assert corpus(chair([[words("a cat")]], candidates)) == [0.5, 1.0]
    assert corpus(chair([[words("a cat")]], candidates, boxed=[{"vase"}])) == [0.0, 0.0]
    assert corpus(chair([[]], candidates, boxed=[{"vase"}])) == [0.5, 1.0]


def test_a_caption_without_objects_hallucinates_nothing():
    assert corpus(chair([[words("a cat")], [words("a dog")]], [[], words("grass")])) == [0.0, 0.0]


def test_any_choice_of_photos_adds_up():
    scores = chair([[words("a cat")], [words("a cat")]], [words("a dog"), words("a cat and a cat")])
    sums = np.stack([scores.statistics[0], scores.statistics[0] + scores.statistics[1]])
    np.testing.assert_allclose(scores.combine(sums), [[1, 1], [1 / 3, 1 / 2]])


def test_invalid_arguments_are_refused():
    with pytest.raises(DataError, match="got 1, 2 and 2"):
        chair([[]], [[], []])
    with pytest.raises(UsageError, match="'wolf'"):
        chair([[]], [[]], boxed=[{"wolf"}])
