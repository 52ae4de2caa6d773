"""What the exporter writes of an aligner: encoder, and embeddings of images and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from seetell.data import read
from seetell.export.declaration import (
    Declaration,
    FeaturesGraph,
    ParityCheck,
    comparison_features,
    encoder_graph,
)
from seetell.export.examples import Examples
from seetell.geometry.windows import window_boxes
from seetell.language.tokenizer import tokenize
from seetell.nn.backbones import Features
from seetell.runtime.sessions import Graph
from seetell.tasks.retrieval.embeddings import embed_features, embed_tokens, score
from seetell.tasks.retrieval.graphs import aligner_graphs
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.validation import score_all
from seetell.training.trained import Trained

SENTENCES = 64


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained aligner.

    Raises:
        BundleError: its sentence encoder cannot be exported.
    """
    data, encoder, aligner = trained.config.data, trained.encoder, trained.model
    dataset = read(data.path, **data.reading)
    examples = Examples(dataset.split("train"), dataset.split("val"), encoder.preprocessing)
    features = comparison_features(encoder, examples)
    sentences = comparison_sentences(trained, examples)
    return Declaration(
        architecture="aligner",
        graphs=(
            encoder_graph(FeaturesGraph(encoder, with_grid=True), ("pooled", "grid"), examples),
            *aligner_graphs(aligner, features),
        ),
        examples=examples,
        models=(aligner,),
        settings={
            "max_words": data.max_words,
            "grid": list(encoder.grid_size),
            "regions": window_boxes(aligner.config.windows)[: aligner.regions].tolist(),
        },
        checks=(
            ParityCheck(
                name="alignment_score_max_difference",
                tolerance=1e-3,
                measure=lambda graphs: score_difference(aligner, features, sentences, graphs),
            ),
        ),
    )


def comparison_sentences(trained: Trained, examples: Examples) -> list[list[int]]:
    """Return encoded reference captions to compare graphs on, cut as in training."""
    assert trained.vocabulary is not None
    encoded = (trained.vocabulary.encode(tokenize(photo.captions[0])) for photo in examples.compared[:SENTENCES])
    return [words[: trained.config.data.max_words] for words in encoded]


def score_difference(
    aligner: Aligner, features: Features, sentences: Sequence[Sequence[int]], graphs: Mapping[str, Graph]
) -> float:
    """Return the largest difference of a score between graphs and torch, relative to the scores' deviation."""
    assert features.grid is not None
    with torch.inference_mode():
        regions = aligner.whiten_regions(features)
    expected = score_all(aligner, [regions], sentences, max_words=max(map(len, sentences)))
    given = {"pooled": features.pooled.numpy(), "grid": features.grid.numpy()}
    actual = score(
        embed_features(graphs["image_embedding"], given), embed_tokens(graphs["sentence_embedding"], sentences)
    )
    return float(np.abs(expected - actual).max() / expected.std())
