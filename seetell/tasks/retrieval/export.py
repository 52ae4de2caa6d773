"""What the exporter writes of an aligner: encoder, and embeddings of images and sentences.

The graphs of the embeddings are scaled so that every score is a plain sum of products.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.data import read
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
from seetell.runtime.sessions import Graph
from seetell.tasks.retrieval.embeddings import embed_features, embed_tokens, score
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.models.sentences import Gru, PaperBrnn, SentenceEncoder, padding_mask
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
    """``pooled (B, D)``, ``grid (B, L, D)`` → ``regions (B, R, H)`` and ``whole (B, H)``, those that are compared.

    Whitening and projection are linear, and are fused.
    """

    def __init__(self, aligner: Aligner) -> None:
        super().__init__()
        self.compared, self.unit = aligner.compared, aligner.config.normalise_regions
        self.pooling = nn.Parameter(aligner.pooling[1:].clone(), requires_grad=False)
        if "regions" in self.compared:
            self.region = after_whitening(aligner, aligner.region)
        if "whole" in self.compared:
            self.photo = after_whitening(aligner, aligner.photo)

    def forward(self, pooled: Tensor, grid: Tensor | None = None) -> tuple[Tensor, ...]:
        """Embed."""
        embedded = []
        if grid is not None:
            regions = self.region(torch.cat([pooled[:, None], self.pooling @ grid], dim=1))
            embedded.append(F.normalize(regions, dim=2) if self.unit else regions)
        if "whole" in self.compared:
            embedded.append(F.normalize(self.photo(pooled), dim=1))
        return tuple(embedded)


class SentencesGraph(nn.Module):
    """``tokens (N, T)``, ``lengths (N,)`` → ``words (N, T, H)`` and ``whole (N, H)``, scaled; those compared."""

    def __init__(self, aligner: Aligner) -> None:
        super().__init__()
        self.aligner = copy.deepcopy(aligner)
        if isinstance(aligner.encoder, Gru):
            self.aligner.encoder = GruGraph(aligner.encoder)

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        """Embed."""
        aligner = self.aligner
        words, _, whole = aligner.embed_sentences(tokens, lengths)
        embedded = []
        if words is not None:
            words = words * padding_mask(lengths, tokens.shape[1])[:, :, None]
            if aligner.config.word_score == "norm":
                words = words / (words.square().sum(dim=(1, 2)) + 1e-12).sqrt()[:, None, None]
            elif aligner.config.word_score == "mean":
                words = words / lengths[:, None, None]
            embedded.append(words * aligner.log_scales["regions"].exp())
        if whole is not None:
            embedded.append(whole * aligner.log_scales["whole"].exp())
        return tuple(embedded)


def aligner_graphs(aligner: Aligner, features: Features) -> tuple[GraphSpec, GraphSpec]:
    """Declare the graphs ``image_embedding`` and ``sentence_embedding``, with features of two images or more to trace.

    Raises:
        BundleError: its sentence encoder is the paper's, whose steps ONNX has no operator for.
    """
    if isinstance(aligner.encoder, PaperBrnn):
        raise BundleError("an aligner with aligner.sentence_encoder 'brnn' cannot be exported; train one with 'gru'")
    given = {"pooled": features.pooled}
    if "regions" in aligner.compared:
        assert features.grid is not None
        given["grid"] = features.grid
    photos: dict[int, object] = {0: torch.export.Dim("photos", min=1)}
    images = GraphSpec(
        name="image_embedding",
        module=PhotosGraph(aligner),
        examples=tuple(given.values()),
        inputs=tuple(given),
        outputs=tuple(aligner.compared),
        dynamic_shapes=tuple(photos for _ in given),
    )
    rows, words = torch.export.Dim("sentences", min=1), torch.export.Dim("words", min=2)
    sentences = GraphSpec(
        name="sentence_embedding",
        module=SentencesGraph(aligner),
        examples=(torch.full((3, 5), 3), torch.tensor([5, 3, 1])),
        inputs=("tokens", "lengths"),
        outputs=tuple("words" if name == "regions" else name for name in aligner.compared),
        dynamic_shapes=({0: rows, 1: words}, {0: rows}),
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
