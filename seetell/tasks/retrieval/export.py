"""What the exporter writes of an aligner: encoder, and embeddings of images and sentences.

The graphs of the embeddings are scaled so that every score is a plain sum of products.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.errors import BundleError
from seetell.export.declaration import (
    Declaration,
    Examples,
    FeaturesGraph,
    GraphSpec,
    ParityCheck,
    comparison_features,
    encoder_graph,
)
from seetell.geometry.boxes import window_boxes
from seetell.language.tokenizer import tokenize
from seetell.nn.backbones import Features
from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import stacked
from seetell.tasks.retrieval.embeddings import embed_features, embed_tokens, score
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.models.sentences import Gru, PaperBrnn, SentenceEncoder
from seetell.tasks.retrieval.models.tags import ObjectTags
from seetell.tasks.retrieval.tagging import open_tagger
from seetell.tasks.retrieval.validation import score_all
from seetell.training.trained import Trained


class GruGraph(SentenceEncoder):
    """A bidirectional GRU as ONNX's own operator, for sentences of any length; torch's would be unrolled.

    Args:
        gru: the trained one.
    """

    def __init__(self, gru: Gru) -> None:
        super().__init__()
        self.width, self.hidden = gru.width, gru.fused.hidden_size
        ends = ("l0", "l0_reverse")
        named = {
            kind: [_update_gate_first(getattr(gru.fused, f"{kind}_{end}")) for end in ends]
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        self.inputs = nn.Parameter(torch.stack(named["weight_ih"]))
        self.recurrent = nn.Parameter(torch.stack(named["weight_hh"]))
        both = [torch.cat(pair) for pair in zip(named["bias_ih"], named["bias_hh"], strict=True)]
        self.bias = nn.Parameter(torch.stack(both))

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Encode sentences."""
        sentences, places, _ = words.shape
        hidden = torch.onnx.ops.symbolic(
            "GRU",
            (words.transpose(0, 1), self.inputs, self.recurrent, self.bias, lengths.to(torch.int32)),
            {"hidden_size": self.hidden, "direction": "bidirectional", "linear_before_reset": 1},
            dtype=words.dtype,
            shape=(places, 2, sentences, self.hidden),
            version=14,
        )
        return hidden.permute(2, 0, 1, 3).flatten(2)


def _update_gate_first(gates: Tensor) -> Tensor:
    """Reorder a GRU's weights or biases from torch's reset, update, new to ONNX's update, reset, new."""
    reset, update, new = gates.detach().chunk(3)
    return torch.cat([update, reset, new])


class PhotosGraph(nn.Module):
    """``pooled (B, D)``, ``grid (B, L, D)`` and tags → ``regions (B, R, H)`` and ``whole (B, H)``, those compared.

    Whitening and projection are linear, and are fused. Tags are those of
    :class:`~seetell.tasks.retrieval.models.tags.ObjectTags`, for an aligner that reads them.
    """

    def __init__(self, aligner: Aligner) -> None:
        super().__init__()
        self.aligner = copy.deepcopy(aligner)
        self.aligner.register_module("whitening", nn.Identity())
        for member, fused in zip(aligner.members, self.aligner.members, strict=True):
            for name in ("region", "photo"):
                if hasattr(member, name):
                    setattr(fused, name, after_whitening(aligner, getattr(member, name)))

    def forward(self, pooled: Tensor, grid: Tensor, *tags: Tensor) -> tuple[Tensor, ...]:
        """Embed."""
        prepared = self.aligner.prepare(Features(pooled, grid), ObjectTags(*tags) if tags else None)
        return tuple(part for part in self.aligner.embed_photos(prepared) if part is not None)


class SentencesGraph(nn.Module):
    """``tokens (N, T)``, ``lengths (N,)`` → ``words (N, T, H)`` and ``whole (N, H)``, scaled; those compared."""

    def __init__(self, aligner: Aligner) -> None:
        super().__init__()
        self.aligner = copy.deepcopy(aligner)
        for member in self.aligner.members:
            if isinstance(member.encoder, Gru):
                member.encoder = GruGraph(member.encoder)

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        """Embed."""
        words, _, whole = self.aligner.embed_sentences(tokens, lengths)
        return tuple(part for part in (words, whole) if part is not None)


def aligner_graphs(aligner: Aligner, features: Features, tags: ObjectTags | None = None) -> tuple[GraphSpec, GraphSpec]:
    """Declare the graphs ``image_embedding`` and ``sentence_embedding``, whose large matrices are in 8 bits.

    Args:
        aligner: in evaluation mode.
        features: of two images or more, to trace with.
        tags: of the same images, where they are read.

    Raises:
        BundleError: its sentence encoder is the paper's, whose steps ONNX has no operator for.
    """
    if isinstance(aligner.members[0].encoder, PaperBrnn):
        raise BundleError("an aligner with aligner.sentence_encoder 'brnn' cannot be exported; train one with 'gru'")
    assert features.grid is not None
    given = {"pooled": features.pooled, "grid": features.grid, **({} if tags is None else tags._asdict())}
    photos: dict[int, object] = {0: torch.export.Dim("photos", min=1)}
    images = GraphSpec(
        name="image_embedding",
        module=PhotosGraph(aligner),
        examples=tuple(given.values()),
        inputs=tuple(given),
        outputs=tuple(aligner.config.compared),
        dynamic_shapes=(photos, photos) if tags is None else (photos, photos, tuple(photos for _ in tags)),
        weights="int8",
    )
    rows, words = torch.export.Dim("sentences", min=1), torch.export.Dim("words", min=2)
    sentences = GraphSpec(
        name="sentence_embedding",
        module=SentencesGraph(aligner),
        examples=(torch.full((3, 5), 3), torch.tensor([5, 3, 1])),
        inputs=("tokens", "lengths"),
        outputs=tuple("words" if name == "regions" else name for name in aligner.config.compared),
        dynamic_shapes=({0: rows, 1: words}, {0: rows}),
        weights="int8",
    )
    return images, sentences


def after_whitening(aligner: Aligner, projection: nn.Linear) -> nn.Linear:
    """Return a projection of whitened features as one of the features themselves."""
    whitening = aligner.whitening
    with torch.no_grad():
        weight = whitening.projection.double() @ projection.weight.T.double()  # (D, H)
        bias = projection.bias.double() - whitening.mean.double() @ weight
        joined = nn.Linear(*weight.shape)
        joined.weight.copy_(weight.T)
        joined.bias.copy_(bias)
    return joined


SENTENCES = 64


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained aligner.

    Raises:
        BundleError: its sentence encoder cannot be exported.
    """
    data, encoder, aligner = trained.config.data, trained.encoder, trained.model
    examples = Examples.of(read(data.path, **data.reading), encoder)
    features, tags = comparison_features(encoder, examples), comparison_tags(trained, examples)
    sentences = comparison_sentences(trained, examples)
    return Declaration(
        architecture="aligner",
        graphs=(
            encoder_graph(FeaturesGraph(encoder, with_grid=True), ("pooled", "grid"), examples),
            *aligner_graphs(aligner, features, tags),
        ),
        examples=examples,
        models=(aligner,),
        settings={
            "max_words": data.max_words,
            "grid": list(encoder.grid_size),
            "regions": window_boxes(aligner.config.windows)[: aligner.windows].tolist(),
            **tagger_settings(trained),
        },
        checks=(
            ParityCheck(
                name="alignment_score_max_difference",
                tolerance=5e-2,  # of matrices in 8 bits
                measure=lambda graphs: score_difference(aligner, features, tags, sentences, graphs),
            ),
        ),
        tagger=Bundle.load(trained.config.section.tagger) if aligner.config.reads_tags else None,
    )


def tagger_settings(trained: Trained) -> dict[str, Any]:
    """Return what a predictor needs to know to tag images as an aligner reads them, and how wide the evidence is."""
    tagger = open_tagger(trained.config.section)
    if tagger is None:
        return {}
    settings = {"objects": list(tagger.objects), "words": list(tagger.words)}
    config = trained.model.config
    return {**settings, "word_evidence": config.detected_words + 2} if config.word_evidence else settings


def comparison_tags(trained: Trained, examples: Examples) -> ObjectTags | None:
    """Return the tags of the images that graphs are compared on; ``None`` where they are not read."""
    tagger = open_tagger(trained.config.section)
    if tagger is None:
        return None
    images = stacked(examples.comparison_for(tagger.preprocessings), tagger.preprocessings)
    found = tagger.tag(*(images[way] for way in tagger.preprocessings))
    return ObjectTags(**{name: torch.from_numpy(found[name]) for name in ObjectTags._fields})


def comparison_sentences(trained: Trained, examples: Examples) -> list[list[int]]:
    """Return encoded reference captions to compare graphs on, cut as in training."""
    assert trained.vocabulary is not None
    photos = cast(Sequence[PhotoRecord], examples.compared[:SENTENCES])
    encoded = (trained.vocabulary.encode(tokenize(photo.captions[0])) for photo in photos)
    return [words[: trained.config.data.max_words] for words in encoded]


def score_difference(
    aligner: Aligner,
    features: Features,
    tags: ObjectTags | None,
    sentences: Sequence[Sequence[int]],
    graphs: Mapping[str, Graph],
) -> float:
    """Return the largest difference of a score between graphs and torch, relative to the scores' deviation."""
    assert features.grid is not None
    with torch.inference_mode():
        prepared = aligner.prepare(features, tags)
    expected = score_all(aligner, [prepared], sentences, max_words=max(map(len, sentences)))
    given = {"pooled": features.pooled.numpy(), "grid": features.grid.numpy()}
    given |= {} if tags is None else {name: tag.numpy() for name, tag in tags._asdict().items()}
    actual = score(
        embed_features(graphs["image_embedding"], given), embed_tokens(graphs["sentence_embedding"], sentences)
    )
    return float(np.abs(expected - actual).max() / expected.std())
