"""Regions from Florence-2; what it writes is in ``tests/runtime/backends/transformers/test_florence.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import seetell
from seetell.errors import UsageError
from seetell.results import Region, Regions
from seetell.tasks.dense_captioning.evaluate import evaluate
from seetell.tasks.evaluation import DataOptions

pytestmark = pytest.mark.slow

PHOTO = np.zeros((40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def describer(tiny_hub):
    return seetell.load(tiny_hub("florence"), task="regions", threads=1)


def test_the_regions_of_highest_score_are_told_first(describer, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def locate(batch, prompts, sample_ids):
        asked.extend(prompts)
        return [[Region(str(score), (0, 0, 5, 5), score) for score in (0.2, 0.9, 0.5)] for _ in batch]

    monkeypatch.setattr(describer, "locate", locate)
    assert [region.score for region in describer.predict(PHOTO, top=2)] == [0.9, 0.5]
    assert [region.score for region in describer.predict(PHOTO, threshold=0.6)] == [0.9]
    assert asked == ["<DENSE_REGION_CAPTION>"] * 2


def test_the_real_answer_has_the_shape(describer):
    (regions,) = describer.predict_many([PHOTO])
    assert isinstance(regions, Regions)
    assert regions.size == (60, 40)


def test_what_it_cannot_do_is_refused(describer):
    for options in ({"threshold": 2}, {"top": 0}):
        with pytest.raises(UsageError, match=f"{next(iter(options))} must be"):
            describer.check(**options)
    with pytest.raises(UsageError, match="no region proposals"):
        evaluate(describer, DataOptions(Path("data")))
