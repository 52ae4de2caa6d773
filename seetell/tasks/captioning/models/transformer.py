"""A Transformer decoder that attends to the image's grid.

Vaswani et al., "Attention Is All You Need", 2017, in the pre-norm form of Xiong et al., "On Layer Normalization in the
Transformer Architecture", 2020. As in NeuralTalk2 the image's pooled vector is the first word. Every layer attends to
the words so far, then to the grid: to each location's own vector, or to the output of ``encoder_layers`` of
self-attention over them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_probabilities, check_sizes
from seetell.errors import RecipeError
from seetell.nn.attention import MultiHeadAttention
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner, DecoderStart, DecoderStep


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes and regularisation of the Transformer.

    Attributes:
        width: length of every hidden vector.
        layers: of the decoder.
        encoder_layers: of self-attention over the grid, before the decoder attends to it.
        heads: of each attention; divides ``width``.
        feedforward: hidden units of each layer's feed-forward part.
        dropout: probability of zeroing an element of each part's output, of word vectors, and of attention weights.
        feature_dropout: probability of zeroing an element of the image's features.
        positions: number of positional embeddings; words beyond share the last.
    """

    width: int = 256
    layers: int = 2
    encoder_layers: int = 0
    heads: int = 4
    feedforward: int = 512
    dropout: float = 0.1
    feature_dropout: float = 0.0
    positions: int = 40

    def __post_init__(self) -> None:
        check_sizes(self, "width", "layers", "heads", "feedforward", "positions")
        check_not_negative(self, "encoder_layers")
        if self.width % self.heads:
            raise RecipeError(f"heads: must divide width, got {self.heads} and {self.width}")
        check_probabilities(self, "dropout", "feature_dropout")


class _FeedForward(nn.Sequential):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(
            nn.Linear(config.width, config.feedforward), nn.GELU(), nn.Linear(config.feedforward, config.width)
        )


class _EncoderLayer(nn.Module):
    """Self-attention over the grid, then a feed-forward part, both residual."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(config.width, heads=config.heads, dropout=config.dropout)
        self.feedforward = _FeedForward(config)
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(2))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, grid: Tensor) -> Tensor:
        """``(B, L, width)`` → the same."""
        normed = self.norms[0](grid)
        keys_values = self.attention.split(self.attention.keys_values(normed))
        grid = grid + self.dropout(self.attention(normed, *keys_values))
        refined: Tensor = grid + self.dropout(self.feedforward(self.norms[1](grid)))
        return refined


class _DecoderLayer(nn.Module):
    """Attention to the words so far, attention to the grid, and a feed-forward part, all residual."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.words = MultiHeadAttention(config.width, heads=config.heads, dropout=config.dropout)
        self.photo = MultiHeadAttention(config.width, heads=config.heads, dropout=config.dropout)
        self.feedforward = _FeedForward(config)
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(3))
        self.dropout = nn.Dropout(config.dropout)

    def self_attention_inputs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the queries ``(N, T, width)`` and the keys and values ``(N, T, 2·width)`` of words."""
        normed = self.norms[0](x)
        return normed, self.words.keys_values(normed)

    def cross_attention_kv(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, both ``(B, heads, L, width / heads)``, of the grid ``(B, L, width)``."""
        return self.photo.split(self.photo.keys_values(grid))

    def forward(self, x: Tensor, grid: tuple[Tensor, Tensor]) -> Tensor:
        """Run whole sentences.

        Args:
            x: ``(B·C, T, width)``; each word attends to those up to itself.
            grid: as from :meth:`cross_attention_kv`.

        Returns:
            ``(B·C, T, width)``.
        """
        query, words = self.self_attention_inputs(x)
        x = x + self.dropout(self.words(query, *self.words.split(words), causal=True))
        normed = self.norms[1](x)
        photos = len(grid[0])
        attended = self.photo(normed.reshape(photos, -1, normed.shape[2]), *grid).reshape(normed.shape)
        return self._feed_forward_residual(x + self.dropout(attended))

    def step(self, x: Tensor, earlier: Tensor | None, grid: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Run one word per row.

        Args:
            x: ``(N, 1, width)``.
            earlier: keys and values of the words before, ``(N, T, 2·width)``; ``None`` where there are none.
            grid: keys and values, one row each.

        Returns:
            The word's output ``(N, 1, width)``; keys and values of all words so far; attention weights ``(N, 1, L)``.
        """
        query, words = self.self_attention_inputs(x)
        if earlier is not None:
            words = torch.cat([earlier, words], dim=1)
        attended, _ = self.words.forward_with_weights(query, *self.words.split(words))
        x = x + attended
        attended, weights = self.photo.forward_with_weights(self.norms[1](x), *grid)
        return self._feed_forward_residual(x + attended), words, weights

    def _feed_forward_residual(self, x: Tensor) -> Tensor:
        refined: Tensor = x + self.dropout(self.feedforward(self.norms[2](x)))
        return refined


class Transformer(Captioner):
    """Captioner that attends to the grid."""

    uses_grid = True
    vocab_parameters = ("word_embedding.weight", "output_bias")
    attends = True
    needs_num_locations = True
    growing_state = (0,)

    def __init__(self, config: TransformerConfig, *, feature_size: int, vocabulary_size: int, locations: int) -> None:
        super().__init__()
        self.config = config
        self.feature_norm = nn.LayerNorm(feature_size)
        self.feature_dropout = nn.Dropout(config.feature_dropout)
        self.grid_embedding = nn.Linear(feature_size, config.width)
        self.pooled_embedding = nn.Linear(feature_size, config.width)
        self.locations = nn.Parameter(torch.randn(locations, config.width) * 0.02)
        self.word_embedding = nn.Embedding(vocabulary_size, config.width)
        self.positions = nn.Embedding(config.positions + 1, config.width)  # the image precedes the first word
        self.output_bias = nn.Parameter(torch.zeros(vocabulary_size))
        self.encoder = nn.Sequential(*(_EncoderLayer(config) for _ in range(config.encoder_layers)))
        self.layers = nn.ModuleList(_DecoderLayer(config) for _ in range(config.layers))
        self.grid_norm, self.norm = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        for embedding in (self.word_embedding, self.positions):
            nn.init.normal_(embedding.weight, std=config.width**-0.5)

    def _encode_image(self, features: Features) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Return the image as a first word ``(B, width)``, and for each layer the grid's keys and values."""
        assert features.grid is not None
        pooled = self.pooled_embedding(self.feature_dropout(self.feature_norm(features.pooled)))
        grid = self.grid_embedding(self.feature_dropout(self.feature_norm(features.grid))) + self.locations
        grid = self.grid_norm(self.encoder(grid))
        return pooled, [layer.cross_attention_kv(grid) for layer in self._decoder()]

    def _decoder(self) -> list[_DecoderLayer]:
        return [layer for layer in self.layers if isinstance(layer, _DecoderLayer)]

    def _position(self, positions: Tensor) -> Tensor:
        """Return positional embeddings; all positions beyond the last one share it."""
        vectors: Tensor = self.positions(positions.clamp(max=self.config.positions))
        return vectors

    def _score(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.word_embedding.weight, self.output_bias)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`."""
        photos, captions, steps = inputs.shape
        pooled, grids = self._encode_image(features)
        first = pooled[:, None, None].expand(photos, captions, 1, -1)
        scale = self.config.width**0.5
        x = torch.cat([first, self.word_embedding(inputs) * scale], dim=2).flatten(0, 1)  # (B·C, 1 + T, width)
        x = self.dropout(x + self._position(torch.arange(1 + steps, device=x.device)) * scale)
        for layer, grid in zip(self._decoder(), grids, strict=True):
            x = layer(x, grid)
        return self._score(x[:, 1:][(targets != IGNORE_INDEX).flatten(0, 1)])

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            Memory: each layer's keys and values of the grid, ``(B, heads, L, width / heads)``. State: those of the
            words so far side by side for all layers, at first of the image alone, ``(B, 1, layers·2·width)``, and the
            next word's position, ``(B,)``.
        """
        pooled, grids = self._encode_image(features)
        x = (pooled + self.positions.weight[0] * self.config.width**0.5)[:, None]
        cache = []
        for layer, grid in zip(self._decoder(), grids, strict=True):
            x, words, _ = layer.step(x, None, grid)
            cache.append(words)
        position = torch.ones_like(pooled[:, 0], dtype=torch.long)
        return DecoderStart(tuple(itertools.chain(*grids)), (torch.cat(cache, dim=2), position))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`. The attention is the last layer's, averaged over heads."""
        cache, position = state
        words = self.word_embedding(tokens) + self._position(position)
        x = (words * self.config.width**0.5)[:, None]  # (N, 1, width)
        grown, attention = [], x
        grids = zip(memory[::2], memory[1::2], strict=True)
        caches = torch.split(cache, 2 * self.config.width, dim=2)
        for layer, earlier, (keys, values) in zip(self._decoder(), caches, grids, strict=True):
            x, kept, attention = layer.step(x, earlier, (keys[photos], values[photos]))
            grown.append(kept)
        logprobs = torch.log_softmax(self._score(x[:, 0]), dim=1)
        return DecoderStep(logprobs, (torch.cat(grown, dim=2), position + 1), attention[:, 0])
