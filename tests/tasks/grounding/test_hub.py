"""Phrases grounded by Florence-2; what it writes is in ``tests/runtime/backends/transformers/test_florence.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import seetell
from seetell.errors import UsageError
from seetell.results import Region
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.grounding.evaluate import evaluate

pytestmark = pytest.mark.slow

PHOTO = np.zeros((40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def grounder(tiny_hub):
    return seetell.load(tiny_hub("florence"), task="align", threads=1)


def test_phrases_are_those_of_the_model_in_its_order(grounder, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def locate(batch, prompts, sample_ids):
        asked.extend(prompts)
        return [[Region("A dog", (0, 0, 5, 5), 0.2), Region("grass.", (0, 0, 9, 5), 0.4)] for _ in batch]

    monkeypatch.setattr(grounder, "locate", locate)
    alignment = grounder.predict(PHOTO, "A dog on \n grass.")
    assert asked == ["<CAPTION_TO_PHRASE_GROUNDING>A dog on grass."]
    assert [region.text for region in alignment.regions] == ["a dog", "grass"]
    assert alignment.score == pytest.approx(0.3)
    assert (alignment.sentence, alignment.size) == ("A dog on \n grass.", (60, 40))


def test_pairs_are_aligned_in_batches(grounder):
    alignments = list(grounder.predict_many([(PHOTO, "a dog"), (PHOTO, "a red ball on grass")]))
    assert [alignment.sentence for alignment in alignments] == ["a dog", "a red ball on grass"]


def test_what_it_cannot_do_is_refused(grounder, tiny_hub):
    with pytest.raises(UsageError, match="cuts sentences into phrases itself"):
        grounder.check(beta=1.0)
    with pytest.raises(UsageError, match="expected a sentence"):
        grounder.check_text(" . ")
    with pytest.raises(UsageError, match="embeds no sentences"):
        evaluate(grounder, DataOptions(Path("data")))
    with pytest.raises(UsageError, match=r"'clip', which is none for grounding .*; it is for seetell search"):
        seetell.load(tiny_hub("clip"), task="align")
