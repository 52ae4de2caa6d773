"""What the exporter writes of a grounder: the graphs of its aligner, and its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seetell.export.declaration import Declaration, GraphSpec, ParityCheck, comparison_features
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import DETECTION_COLUMNS, DETECTIONS, MAX_DETECTION_ROWS
from seetell.tasks.grounding.model import Grounder, phrase_vector
from seetell.tasks.grounding.train import check_aligner
from seetell.tasks.retrieval import export as retrieval
from seetell.tasks.retrieval.config import RetrievalConfig
from seetell.tasks.retrieval.export import after_whitening
from seetell.tasks.retrieval.models import build
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.models.tags import ObjectTags
from seetell.tasks.retrieval.validation import sentence_tensors
from seetell.training.config import CardConfig, only
from seetell.training.trained import Trained, load_trained

PHRASES = 3


class GroundingGraph(nn.Module):
    """``grid (1, L, D)``, ``phrases (N, 2·H)``, detections → ``heat (N, L)``, ``boxes (N, 4)``, ``overlaps (N,)``.

    Detections ``(1, K, 6)`` are given to a grounder that reads them. Heat is a distribution over cells, and boxes are
    clipped to the image.
    """

    def __init__(self, aligner: Aligner, grounder: Grounder) -> None:
        super().__init__()
        self.grounder = copy.deepcopy(grounder)
        for name in ("cell", "surroundings"):
            setattr(self.grounder, name, after_whitening(aligner, getattr(grounder, name)))

    def forward(self, grid: Tensor, phrases: Tensor, *detections: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Locate phrases."""
        located = self.grounder(grid, phrases[None], detections[0] if detections else grid[:, :0, :6])
        boxes, overlaps = located.chosen()
        return located.heat[0].softmax(dim=1), boxes[0].clamp(0, 1), overlaps[0]


def grounding_graph(aligner: Aligner, grounder: Grounder) -> GraphSpec:
    """Declare the graph ``grounding``, whose large matrices are in 8 bits."""
    cells, features = grounder.place.shape[0], aligner.whitening.mean.shape[0]
    words = 2 * aligner.config.members * aligner.config.width
    detections = [torch.zeros(1, MAX_DETECTION_ROWS, DETECTION_COLUMNS)] if grounder.config.detections else []
    return GraphSpec(
        name="grounding",
        module=GroundingGraph(aligner, grounder),
        examples=(torch.zeros(1, cells, features), torch.ones(3, words), *detections),
        inputs=("grid", "phrases", DETECTIONS)[: 2 + len(detections)],
        outputs=("heat", "boxes", "overlaps"),
        dynamic_shapes=({}, {0: torch.export.Dim("phrases", min=1)}, *([({},)] if detections else [])),
        weights="int8",
    )


def box_difference(
    aligner: Aligner,
    grounder: Grounder,
    grids: Tensor,
    phrases: Tensor,
    tags: ObjectTags | None,
    graphs: Mapping[str, Graph],
) -> float:
    """Return the difference of a box between the graph and torch, relative to the image's width or height.

    Where a box is chosen among candidates, a near tie may fall the other way: the median is taken, else the largest.

    Args:
        aligner: the one that the grounder was trained for.
        grounder: in evaluation mode.
        grids: of images, ``(B, L, D)``.
        phrases: ``(N, 2·H)``; a few are located in each image.
        tags: of the images, where they are tagged.
        graphs: ``grounding``.
    """
    differences = []
    for start, grid in enumerate(grids):
        located = phrases[start % len(phrases) :][:PHRASES]
        detections = grid.new_zeros(1, 0, DETECTION_COLUMNS) if tags is None else tags.detections[start : start + 1]
        with torch.inference_mode():
            output = grounder(aligner.whitening(grid[None]), located[None], detections)
        expected = output.chosen()[0][0].clamp(0, 1).numpy()
        given = {"grid": grid[None].numpy(), "phrases": located.numpy(), DETECTIONS: detections.numpy()}
        (actual,) = graphs["grounding"].run(given, ["boxes"])
        differences.extend(np.abs(expected - actual).max(axis=1))
    return float(np.max(differences) if output.candidates is None else np.median(differences))


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
    tags = retrieval.comparison_tags(base, declared.examples) if grounder.config.detections else None
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
                tolerance=5e-2,  # of matrices in 8 bits
                measure=lambda graphs: box_difference(aligner, grounder, grids, phrases, tags, graphs),
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
