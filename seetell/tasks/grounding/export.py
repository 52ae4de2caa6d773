"""What the exporter writes of a grounder: the graphs of its aligner, and its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from seetell.export.declaration import Declaration, ParityCheck, comparison_features
from seetell.tasks.grounding.graphs import box_difference, grounding_graph
from seetell.tasks.grounding.models.grounder import phrase_vector
from seetell.tasks.grounding.train import check_aligner
from seetell.tasks.retrieval import export as retrieval
from seetell.tasks.retrieval.config import RetrievalConfig
from seetell.tasks.retrieval.models import build
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.validation import sentence_tensors
from seetell.training.config import CardConfig, only
from seetell.training.trained import Trained, load_trained


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained grounder and of the aligner that it was trained for.

    Raises:
        BundleError: the aligner cannot be exported.
        CheckpointError: there is no such aligner, or it has other weights now.
    """
    base = load_trained(Path(trained.config.init_from), build, only(retrieval=RetrievalConfig))
    check_aligner(trained, base)
    aligner, grounder = base.model, trained.model
    declared = retrieval.graphs(base)
    grids = comparison_features(base.encoder, declared.examples).grid
    assert grids is not None
    phrases = _phrases(aligner, retrieval.comparison_sentences(base, declared.examples))
    return replace(
        declared,
        architecture="grounder",
        graphs=(*declared.graphs, grounding_graph(aligner, grounder)),
        models=(*declared.models, grounder),
        checks=(
            *declared.checks,
            ParityCheck(
                name="grounding_box_max_difference",
                tolerance=1e-2,
                measure=lambda graphs: box_difference(aligner, grounder, grids, phrases, graphs),
            ),
        ),
        scores={
            **{name: value for name, value in base.metadata["scores"].items() if name != "sum"},
            **{f"phrases_{name}": value for name, value in trained.metadata["scores"].items() if name != "sum"},
        },
        card=_joined_card(base.config.card, trained.config.card),
    )


def _joined_card(*cards: CardConfig) -> CardConfig:
    """State the rights of all, each once."""
    unknown = CardConfig()
    joined = {}
    for field, missing in vars(unknown).items():
        stated = dict.fromkeys(getattr(card, field) for card in cards if getattr(card, field) != missing)
        joined[field] = "; ".join(stated) or missing
    return CardConfig(**joined)


def _phrases(aligner: Aligner, sentences: Sequence[Sequence[int]]) -> Tensor:
    """Return the first two words of each sentence as a phrase, ``(N, 2·H)``."""
    with torch.inference_mode():
        longest = max(map(len, sentences))
        embedded = aligner.embed_sentences(*sentence_tensors(sentences, max_words=longest))
        assert embedded.words is not None
        return torch.stack([phrase_vector(words[:2]) for words in embedded.words])
