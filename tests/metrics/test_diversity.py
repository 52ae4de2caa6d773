from __future__ import annotations

import json

import pytest

from seetell.errors import DataError
from seetell.metrics.diversity import measure_diversity


def test_one_caption_a_photo():
    said = {1: "A dog runs.", 2: "a dog runs", 3: "A cat sleeps on a chair."}
    found = measure_diversity(said, training=["a dog runs!", "A man."])
    assert found.captions == 3
    assert found.distinct == 2 / 3
    assert found.vocabulary == 7  # a dog runs cat sleeps on chair
    assert found.mean_length == 4
    assert found.div_1 == 7 / 12
    assert found.div_2 == 7 / 12  # a dog, dog runs, a cat, cat sleeps, sleeps on, on a, a chair
    assert found.novel == 1 / 3
    assert found.of_one_photo is None


def test_several_captions_of_one_photo():
    said = {1: ["A dog runs.", "The cat sleeps."], 2: ["a b c d", "a b c d"], 3: ["alone"]}
    found = measure_diversity(said)
    assert found.captions == 5
    assert found.novel is None
    photo = found.of_one_photo
    assert photo is not None
    assert photo.photos == 2
    assert photo.div_1 == (1 + 1 / 2) / 2
    assert photo.div_2 == (4 / 6 + 3 / 8) / 2
    assert photo.mbleu == pytest.approx(1 / 2, abs=1e-3)
    assert photo.self_cider == pytest.approx(1 / 2)
    assert json.loads(json.dumps(found.to_dict()))["of_one_photo"]["photos"] == 2


def test_nothing_said_is_refused():
    with pytest.raises(DataError, match="at least one caption"):
        measure_diversity({1: []})
