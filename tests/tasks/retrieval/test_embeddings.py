from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.retrieval.embeddings import PhotoEmbeddings, SentenceEmbeddings, score, scores_of

LENGTHS = (3, 1, 5, 2)


@pytest.mark.parametrize(("regions", "width"), [(4, 6), (0, 6), (4, 0)])
def test_some_sentences_score_as_all_do(regions: int, width: int):
    rng = np.random.default_rng(0)
    words = 8 if regions else 0
    images = PhotoEmbeddings(
        rng.normal(size=(3, regions, words)).astype(np.float32), rng.normal(size=(3, width)).astype(np.float32)
    )
    sentences = SentenceEmbeddings(
        tuple(("word",) * length for length in LENGTHS),
        rng.normal(size=(sum(LENGTHS), words)).astype(np.float32),
        rng.normal(size=(len(LENGTHS), width)).astype(np.float32),
    )
    everything, chosen = score(images, sentences), [[0, 1, 2, 3], [3, 1], []]
    for row, numbers, found in zip(everything, chosen, scores_of(images, sentences, chosen), strict=True):
        np.testing.assert_allclose(found, row[numbers], rtol=1e-5, atol=1e-5)
