from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.errors import BundleError
from seetell.nn.backbones import Features
from seetell.runtime.sessions import Graph
from seetell.tasks.retrieval.embeddings import embed_features, embed_tokens, score
from seetell.tasks.retrieval.export import aligner_graphs
from seetell.tasks.retrieval.models.aligner import Aligner, AlignerConfig
from seetell.tasks.retrieval.models.tags import ObjectTags
from seetell.tasks.retrieval.validation import score_all

pytestmark = pytest.mark.slow

SENTENCES = [[3, 4, 5], [6], [7, 8, 9, 3, 4, 5], [], [9, 9]]


def aligner(**changes) -> Aligner:
    small = {"width": 8, "components": 6, "windows": (2,), "word_size": 12, "hidden_size": 16, "heads": 2}
    torch.manual_seed(0)
    made = Aligner(AlignerConfig(**{**small, **changes}), feature_size=8, grid_size=(2, 3), vocabulary_size=10)
    made.fit_normalisation(features(40))
    return made.eval()


def features(count: int) -> Features:
    grid = torch.randn(count, 6, 8, generator=torch.Generator().manual_seed(count))
    return Features(grid.mean(dim=1), grid)


CHANGES = {
    "gru": {"sentence_encoder": "gru"},
    "eq. 8": {
        "sentence_encoder": "convolution",
        "similarity": "region_word",
        "word_score": "sum",
        "normalise_regions": False,
    },
    "transformer": {"sentence_encoder": "transformer"},
    "mean": {"sentence_encoder": "convolution", "similarity": "region_word", "word_score": "mean"},
    "whole": {"sentence_encoder": "convolution", "similarity": "global"},
}
QUICK = ("gru", "eq. 8")  # writing a graph takes seconds


@pytest.mark.nightly
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CHANGES]
)
def test_graphs_score_as_torch_does(name):
    made = aligner(**CHANGES[name])
    photos, sentences = (Graph(spec.to_onnx(), threads=1) for spec in aligner_graphs(made, features(4)))
    seen = features(7)
    with torch.inference_mode():
        expected = score_all(made, [made.prepare(seen)], SENTENCES, max_words=6)
    given = {"pooled": seen.pooled.numpy(), "grid": seen.grid.numpy()}
    embedded = embed_features(photos, given)
    scores = score(embedded, embed_tokens(sentences, SENTENCES))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    one = score(embedded, embed_tokens(sentences, SENTENCES[1:2]))
    np.testing.assert_allclose(one, expected[:, 1:2], rtol=1e-4, atol=1e-4)


@pytest.mark.nightly
def test_graphs_of_an_aligner_that_reads_tags():
    sizes = {"imagenet_classes": 3, "object_classes": 2, "detected_words": 2, "detections": 2}
    made = aligner(**sizes, members=2, word_evidence=0.5)
    made.fit_normalisation(features(40), tags(40))
    made.evidence.name(["dog", "boat"], ["<end>", "<start>", "<unk>", "a", "dogs", "boat", *"bcde"])
    photos, sentences = (Graph(spec.to_onnx(), threads=1) for spec in aligner_graphs(made, features(4), tags(4)))
    seen, found = features(7), tags(7)
    with torch.inference_mode():
        expected = score_all(made, [made.prepare(seen, found)], SENTENCES, max_words=6)
    given = {"pooled": seen.pooled.numpy(), "grid": seen.grid.numpy()}
    given |= {name: tag.numpy() for name, tag in found._asdict().items()}
    embedded = embed_features(photos, given)
    assert embedded.regions.shape == (7, 7, 16)
    np.testing.assert_allclose(np.linalg.norm(embedded.whole, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(score(embedded, embed_tokens(sentences, SENTENCES)), expected, rtol=1e-4, atol=1e-4)


def tags(count: int) -> ObjectTags:
    random = torch.Generator().manual_seed(count)
    shapes = (3,), (2,), (2, 5), (2,), (4, 6)
    found = ObjectTags(*(torch.rand(count, *shape, generator=random) for shape in shapes))
    found.detections[:, :, 0] = 1  # a class
    found.detections[::2, 1:] = 0  # one detection only
    return found


def test_the_papers_network_is_not_exported():
    with pytest.raises(BundleError, match="train one with 'gru'"):
        aligner_graphs(aligner(sentence_encoder="brnn"), features(4))
