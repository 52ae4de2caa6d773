"""Compare with the scores of METEOR 1.5's own program, which ``make_fixtures.py`` wrote down."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from seetell.metrics.meteor import Meteor, MeteorScores

RECORDED = json.loads((Path(__file__).parent / "fixtures.json").read_text(encoding="utf-8"))
PHOTOS = RECORDED["photos"]

pytestmark = [
    pytest.mark.slow,  # reading five million paraphrases takes seconds
    pytest.mark.skipif(
        find_spec("pycocoevalcap") is None or find_spec("snowballstemmer") is None,
        reason="METEOR's data is not installed: pip install 'seetell[meteor]'",
    ),
]


@pytest.fixture(scope="module")
def scores() -> MeteorScores:
    references = [[sentence.split(" ") for sentence in photo["references"]] for photo in PHOTOS]
    return Meteor().score(references, [photo["candidate"].split(" ") for photo in PHOTOS])


@pytest.mark.nightly
def test_each_photos_score_matches_the_program(scores: MeteorScores):
    wrong = [
        (photo, score)
        for photo, score in zip(PHOTOS, scores.per_photo.tolist(), strict=True)
        if score != pytest.approx(photo["score"], abs=1e-9)
    ]
    assert not wrong


def test_the_corpus_score_matches_the_program(scores: MeteorScores):
    assert scores.corpus == pytest.approx(RECORDED["corpus"], abs=1e-9)


def test_every_matcher_is_in_the_fixtures(scores: MeteorScores):
    _, _, *matched = scores.statistics[:, :10].sum(axis=0)
    assert min(matched[:4]) >= 5, "content words: exact, stem, synonym, paraphrase"
    assert min(matched[4], matched[7]) >= 5, "function words: exact, paraphrase"
