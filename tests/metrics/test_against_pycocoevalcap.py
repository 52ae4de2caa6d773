"""Compare with pycocoevalcap's scorers as they run, on made-up sentences and on real ones where they are present."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.language.tokenizer import tokenize
from seetell.metrics.bleu import bleu
from seetell.metrics.cider import cider
from seetell.metrics.rouge import rouge

Tokens = list[str]

SENTENCE = st.lists(st.sampled_from(["a", "b", "c", "'s"]), max_size=8)
PHOTO = st.tuples(st.lists(SENTENCE, min_size=1, max_size=4), SENTENCE)


def assert_equal_scores(references: list[list[Tokens]], candidates: list[Tokens]) -> None:
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    people = {i: [" ".join(tokens) for tokens in sentences] for i, sentences in enumerate(references)}
    said = {i: [" ".join(tokens)] for i, tokens in enumerate(candidates)}
    exactly = {"rtol": 0, "atol": 1e-9}
    corpus, per_photo = Bleu(4).compute_score(people, said, verbose=0)
    scores = bleu(references, candidates)
    np.testing.assert_allclose(scores.corpus, corpus, **exactly)
    np.testing.assert_allclose(scores.per_photo, np.transpose(per_photo), **exactly)
    for ours, theirs in ((rouge, Rouge()), (cider, Cider())):
        mean, each = theirs.compute_score(people, said)
        values = ours(references, candidates)
        np.testing.assert_allclose(values, each, **exactly)
        np.testing.assert_allclose(values.mean(), mean, **exactly)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(PHOTO, min_size=1, max_size=6))
def test_on_made_up_sentences(photos: list[tuple[list[Tokens], Tokens]]):
    references = [sentences for sentences, _ in photos]
    if any(tokens for sentences in references for tokens in sentences):  # pycocoevalcap fails without any word
        assert_equal_scores(references, [candidate for _, candidate in photos])


LONG = [f"w{number % 7}" for number in range(250)]


@pytest.mark.parametrize(
    ("references", "candidates"),
    [
        ([[LONG, LONG[::-1]], [["w1"]]], [LONG[3:], LONG]),
        ([[["a"] * 40, ["a", "b"] * 20], [["b"]]], [["a"] * 100, ["b", "b"]]),
        ([[["a", "b", "c"], ["a"]]], [["a", "b"]]),  # one photo; both references one word away
        ([[["a", "b"], ["a", "b", "c", "d"]], [["c"]] * 5], [["a", "b", "c"], ["c"]]),
        ([[[], ["a"]], [[], []], [["b"]]], [[], ["a"], []]),
        ([[["a", "b"]]] * 5, [["a", "b"]] * 5),  # no n-gram is rare
    ],
    ids=["very long", "one word many times", "one photo", "ties and repeated references", "empties", "nothing rare"],
)
def test_on_hostile_sentences(references: list[list[Tokens]], candidates: list[Tokens]):
    assert_equal_scores(references, candidates)


@pytest.fixture(scope="module")
def dev_captions() -> list[list[Tokens]]:
    """Five tokenised captions for each of the first 300 dev photos of Flickr8k."""
    root = Path(os.environ.get("SEETELL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    folder = root / "flickr8k" / "Flickr8k_text"
    if not folder.is_dir():
        pytest.skip(f"no Flickr8k at {folder}; set SEETELL_DATA to the folder that holds flickr8k/")
    captions: dict[str, list[Tokens]] = {}
    names = folder.joinpath("Flickr_8k.devImages.txt").read_text().split()[:300]
    wanted = set(names)
    for line in folder.joinpath("Flickr8k.token.txt").read_text(encoding="utf-8").splitlines():
        name, caption = line.split("\t")
        if name[:-2] in wanted:
            captions.setdefault(name[:-2], []).append(tokenize(caption))
    return [captions[name] for name in names]


@pytest.mark.slow
def test_on_real_captions(dev_captions: list[list[Tokens]]):
    references = [captions[:4] for captions in dev_captions]
    candidates = [captions[4] for captions in dev_captions]
    shuffled = random.Random(0).sample(candidates, len(candidates))
    assert_equal_scores(references, candidates)
    assert_equal_scores(dev_captions, shuffled)
    assert_equal_scores(references, [candidates[0]] * len(candidates))
    assert_equal_scores(
        [sentences[: 1 + i % 4] for i, sentences in enumerate(references)],
        [[] if i % 3 else tokens for i, tokens in enumerate(candidates)],
    )
