"""An aligner as two ONNX graphs, scaled so that every score is a plain sum of products."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import BundleError
from seetell.export.declaration import GraphSpec
from seetell.nn.backbones import Features
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.models.sentences import Gru, PaperBrnn, SentenceEncoder, padding_mask


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
    """Declare the graphs ``image_embedding`` and ``sentence_embedding``.

    Args:
        aligner: in evaluation mode.
        features: of at least two images, as an example.

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
