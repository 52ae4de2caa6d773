"""Compare with METEOR 1.5's own program as it runs, on sentences of few words and on real ones where present."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from seetell.language.tokenizer import tokenize
from seetell.metrics.meteor import Meteor

Photos = tuple[list[list[list[str]]], list[list[str]]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="METEOR's own program needs Java, which is not installed"),
]

WORDS = (
    "a the an of in on dog dogs hound man men is are running runs ran jumping leaps couch sofa photo picture "
    "'s n't u.s. e.g. 1,000 t-shirt and/or -lrb- ?! café 日本 🐶"
)


def assert_equal_scores(photos: Photos) -> None:
    program = pytest.importorskip("pycocoevalcap.meteor.meteor", reason="pycocoevalcap is not installed")
    references, candidates = photos
    java = program.Meteor()
    with java.meteor_p as process:  # which closes the pipes that pycocoevalcap leaves open
        corpus, per_photo = java.compute_score(
            {index: [" ".join(tokens) for tokens in sentences] for index, sentences in enumerate(references)},
            {index: [" ".join(tokens)] for index, tokens in enumerate(candidates)},
        )
        process.kill()
    scores = Meteor().score(references, candidates)
    np.testing.assert_allclose(scores.per_photo, per_photo, rtol=0, atol=1e-9)
    assert scores.corpus == pytest.approx(corpus, abs=1e-9)


@pytest.mark.nightly
def test_sentences_of_few_words():
    rng = random.Random(1)

    def sentence() -> list[str]:
        return rng.choices(rng.sample(WORDS.split(" "), 8), k=rng.choice([0, 1, 2, 5, 10, 30]))

    photos = [([sentence() for _ in range(rng.randint(1, 4))], sentence()) for _ in range(400)]
    assert_equal_scores(([references for references, _ in photos], [candidate for _, candidate in photos]))


@pytest.mark.nightly
def test_real_captions():
    data = Path(os.environ.get("SEETELL_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
    file = data / "flickr8k" / "Flickr8k_text" / "Flickr8k.token.txt"
    if not file.is_file():
        pytest.skip(f"the captions of Flickr8k are not at {file}")
    captions: dict[str, list[list[str]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, caption = line.split("\t")
        captions.setdefault(name.split("#")[0], []).append(tokenize(caption))
    people = list(captions.values())[:1000]
    own = [sentences[1:] for sentences in people], [sentences[0] for sentences in people]
    of_another = people, [sentences[0] for sentences in [*people[1:], people[0]]]
    assert_equal_scores((own[0] + of_another[0], own[1] + of_another[1]))
