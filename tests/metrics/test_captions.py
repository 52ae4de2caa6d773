from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seetell.errors import DataError, UsageError
from seetell.language.tokenizer import tokenize
from seetell.metrics import ALL, NAMES, DocumentFrequencies, Scores, score_captions
from seetell.metrics.captions import LOWER_IS_BETTER, MeanScores

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "fixtures" / "captions.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_tokens_and_scores_are_those_of_pycocoevalcap(case: dict[str, Any]):
    for photo, tokens in case["tokens"].items():
        sentences = [*case["references"][photo], case["candidates"][photo]]
        assert [" ".join(tokenize(sentence)) for sentence in sentences] == tokens
    scores = score_captions(case["references"], case["candidates"])
    assert scores.corpus == pytest.approx(case["corpus"], abs=1e-9, rel=0)
    assert scores.per_photo.keys() == case["per_photo"].keys()
    for photo, row in scores.per_photo.items():
        assert row == pytest.approx(case["per_photo"][photo], abs=1e-9, rel=0)


def test_photos_are_matched_by_id_in_any_order():
    references = {1: ["A dog runs."], 2: ["A cat sleeps."]}
    scores = score_captions(references, {2: "a cat sleeps", 1: "no idea"})
    assert list(scores.corpus) == list(NAMES)
    assert scores.per_photo[2]["Bleu_1"] == pytest.approx(1)
    assert scores.per_photo[1]["Bleu_1"] == pytest.approx(0)
    assert all(type(value) is float for value in scores.corpus.values())
    assert json.loads(json.dumps(scores.to_dict()))["per_photo"]["2"]["ROUGE_L"] == 1


def test_frequencies_of_a_corpus_reach_cider():
    references, candidates = {1: ["a dog"]}, {1: "a dog"}
    assert score_captions(references, candidates).corpus["CIDEr"] == 0
    corpus = DocumentFrequencies.build([[["a", "dog"]], [["a", "cat"]]])
    assert math.isclose(score_captions(references, candidates, frequencies=corpus).corpus["CIDEr"], 5)


@pytest.mark.parametrize(
    ("references", "candidates", "message"),
    [
        ({}, {}, "at least one photo"),
        ({1: ["a"], 2: ["b"]}, {1: "a"}, r"a candidate for each photo; 1 have none, such as \[2\]"),
        ({1: ["a"]}, {1: "a", 7: "b"}, r"a reference for each photo; 1 have none, such as \[7\]"),
        ({1: []}, {1: "a"}, r"a reference for each photo; 1 have none, such as \[1\]"),
    ],
)
def test_photos_without_their_counterpart_are_named(
    references: dict[int, list[str]], candidates: dict[int, str], message: str
):
    with pytest.raises(DataError, match=message):
        score_captions(references, candidates)


REFERENCES = {1: ["A dog runs.", "The dog!"], 2: ["A cat sleeps."]}
CANDIDATES = {2: "a cat sits", 1: "a dog"}


def test_metrics_are_in_the_given_order():
    scores = score_captions(REFERENCES, CANDIDATES, metrics=("CIDEr_plain", "Bleu_2"))
    assert list(scores.corpus) == ["CIDEr_plain", "Bleu_2"]
    assert {photo: list(row) for photo, row in scores.per_photo.items()} == {
        2: ["CIDEr_plain", "Bleu_2"],
        1: ["CIDEr_plain", "Bleu_2"],
    }
    assert scores.corpus["Bleu_2"] == score_captions(REFERENCES, CANDIDATES).corpus["Bleu_2"]
    assert scores.corpus["CIDEr_plain"] == pytest.approx(
        np.mean([row["CIDEr_plain"] for row in scores.per_photo.values()])
    )


def test_meteor_gets_the_tokens_and_has_coco_captions_position(monkeypatch: pytest.MonkeyPatch):
    class Meteor:
        def score(self, references: list[list[list[str]]], candidates: list[list[str]]) -> MeanScores:
            assert references == [[["a", "cat", "sleeps"]], [["a", "dog", "runs"], ["the", "dog"]]]
            assert candidates == [["a", "cat", "sits"], ["a", "dog"]]
            return MeanScores("METEOR", np.array([0.2, 0.4]))

    monkeypatch.setitem(sys.modules, "seetell.metrics.meteor", SimpleNamespace(Meteor=Meteor))
    files = SimpleNamespace(MeteorFiles=SimpleNamespace(find=lambda: None))
    monkeypatch.setitem(sys.modules, "seetell.metrics.meteor.data", files)
    scores = score_captions(REFERENCES, CANDIDATES, metrics=ALL)
    assert list(scores.corpus) == list(ALL)
    assert scores.corpus["METEOR"] == pytest.approx(0.3)
    assert scores.per_photo[1]["METEOR"] == 0.4


def test_every_default_metric_is_a_metric():
    assert set(NAMES) < set(ALL)
    assert set(ALL) > LOWER_IS_BETTER


def test_chair_gets_the_references_and_the_candidates():
    scores = score_captions(REFERENCES, CANDIDATES | {1: "a dog and a man"}, metrics=("CHAIRi", "CHAIRs"))
    assert scores.corpus == {"CHAIRi": 1 / 3, "CHAIRs": 1 / 2}
    assert scores.per_photo == {2: {"CHAIRi": 0, "CHAIRs": 0}, 1: {"CHAIRi": 1 / 2, "CHAIRs": 1}}


def test_a_metric_of_ones_own_joins_the_others():
    scores = score_captions(REFERENCES, CANDIDATES, metrics=("Bleu_1",))
    joined = Scores.of(scores.per_photo, [*scores.additive, MeanScores("mine", np.array([0.25, 0.75]))])
    assert list(joined.corpus) == ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "mine"]
    assert joined.corpus["mine"] == 0.5
    assert joined.per_photo[1]["mine"] == 0.75
    assert joined.corpus["Bleu_1"] == scores.corpus["Bleu_1"]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [(("CIDER",), "unknown metric 'CIDER'. Did you mean 'CIDEr'"), ((), "at least one metric")],
)
def test_unknown_metrics_are_refused(metrics: tuple[str, ...], message: str):
    with pytest.raises(UsageError, match=message):
        score_captions(REFERENCES, CANDIDATES, metrics=metrics)
