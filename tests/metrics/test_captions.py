from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from seetell.errors import DataError
from seetell.language.tokenizer import tokenize
from seetell.metrics import NAMES, DocumentFrequencies, score_captions

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


def test_photos_are_matched_by_id_in_whatever_order():
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
