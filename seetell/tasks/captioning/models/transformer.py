"""A Transformer decoder that attends to the image's grid.

Vaswani et al., "Attention Is All You Need", 2017, in the pre-norm form of Xiong et al., "On Layer Normalization in the
Transformer Architecture", 2020. As in NeuralTalk2 the image's pooled vector is the first word. Every layer attends to
the words so far, then to the grid: to each location's own vector, or to the output of ``encoder_layers`` of
self-attention over them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


class ImageReading(NamedTuple):
    """What a decoder knows of ``B`` images.

    Attributes:
        first: the image as a first word, ``(B, width)``.
        keys_values: for each layer keys and values of what is attended to, ``(B, heads, S, width / heads)``.
        mask: which of these are attended to, ``(B, S)`` bool; ``None`` for all.
    """

    first: Tensor
    keys_values: Sequence[tuple[Tensor, Tensor]]
    mask: Tensor | None


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

    def forward(self, x: Tensor, grid: tuple[Tensor, Tensor], attn_mask: Tensor | None = None) -> Tensor:
        """Run whole sentences.

        Args:
            x: ``(B·C, T, width)``; each word attends to those up to itself.
            grid: as from :meth:`cross_attention_kv`.
            attn_mask: which vectors of the grid are attended to, ``(B, 1, 1, L)`` bool; all when absent.

        Returns:
            ``(B·C, T, width)``.
        """
        query, words = self.self_attention_inputs(x)
        x = x + self.dropout(self.words(query, *self.words.split(words), causal=True))
        normed = self.norms[1](x)
        photos = len(grid[0])
        attended = self.photo(normed.reshape(photos, -1, normed.shape[2]), *grid, attn_mask=attn_mask)
        attended = attended.reshape(normed.shape)
        return self._feed_forward_residual(x + self.dropout(attended))

    def step(
        self, x: Tensor, earlier: Tensor | None, grid: tuple[Tensor, Tensor], attn_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run one word per row.

        Args:
            x: ``(N, 1, width)``.
            earlier: keys and values of the words before, ``(N, T, 2·width)``; ``None`` where there are none.
            grid: keys and values, one row each.
            attn_mask: which vectors of the grid are attended to, ``(N, 1, 1, L)`` bool; all when absent.

        Returns:
            The word's output ``(N, 1, width)``; keys and values of all words so far; attention weights ``(N, 1, L)``.
        """
        query, words = self.self_attention_inputs(x)
        if earlier is not None:
            words = torch.cat([earlier, words], dim=1)
        attended, _ = self.words.forward_with_weights(query, *self.words.split(words))
        x = x + attended
        attended, weights = self.photo.forward_with_weights(self.norms[1](x), *grid, attn_mask=attn_mask)
        return self._feed_forward_residual(x + attended), words, weights

    def _feed_forward_residual(self, x: Tensor) -> Tensor:
        refined: Tensor = x + self.dropout(self.feedforward(self.norms[2](x)))
        return refined


class Transformer(Captioner):
    """Captioner that attends to the grid."""

    uses_grid = True
    vocab_parameters: tuple[str, ...] = ("word_embedding.weight", "output_bias")
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

    def _first_word(self, pooled: Tensor) -> Tensor:
        """Return the image as a first word: ``(B, D)`` → ``(B, width)``."""
        first: Tensor = self.pooled_embedding(self.feature_dropout(self.feature_norm(pooled)))
        return first

    def _encode_grid(self, grid: Tensor) -> Tensor:
        """``(B, L, D)`` → ``(B, L, width)``."""
        embedded = self.grid_embedding(self.feature_dropout(self.feature_norm(grid))) + self.locations
        encoded: Tensor = self.grid_norm(self.encoder(embedded))
        return encoded

    def _read(self, features: Features) -> ImageReading:
        """Read images: here the grid is all that is attended to."""
        assert features.grid is not None
        return ImageReading(
            self._first_word(features.pooled), self._keys_values(self._encode_grid(features.grid)), None
        )

    def _keys_values(self, memory: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return each layer's keys and values of what is attended to, ``(B, S, width)``."""
        return [layer.cross_attention_kv(memory) for layer in self._decoder()]

    def _decoder(self) -> list[_DecoderLayer]:
        return [layer for layer in self.layers if isinstance(layer, _DecoderLayer)]

    def _position(self, positions: Tensor) -> Tensor:
        """Return positional embeddings; all positions beyond the last one share it."""
        vectors: Tensor = self.positions(positions.clamp(max=self.config.positions))
        return vectors

    def _score(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.word_embedding.weight, self.output_bias)

    def _hidden(self, read: ImageReading, inputs: Tensor) -> Tensor:
        """Return the last layer's vectors of whole sentences: words ``(B, C, T)`` → ``(B·C, T, width)``."""
        photos, captions, steps = inputs.shape
        first = read.first[:, None, None].expand(photos, captions, 1, -1)
        scale = self.config.width**0.5
        x = torch.cat([first, self.word_embedding(inputs) * scale], dim=2).flatten(0, 1)  # (B·C, 1 + T, width)
        x = self.dropout(x + self._position(torch.arange(1 + steps, device=x.device)) * scale)
        mask = None if read.mask is None else read.mask[:, None, None]
        for layer, keys_values in zip(self._decoder(), read.keys_values, strict=True):
            x = layer(x, keys_values, mask)
        hidden: Tensor = x[:, 1:]
        return hidden

    def _begin(self, read: ImageReading) -> Tensor:
        """Return the cache after the first word, the image: ``(B, 1, layers·2·width)``."""
        x = (read.first + self.positions.weight[0] * self.config.width**0.5)[:, None]
        mask = None if read.mask is None else read.mask[:, None, None]
        cache = []
        for layer, keys_values in zip(self._decoder(), read.keys_values, strict=True):
            x, words, _ = layer.step(x, None, keys_values, mask)
            cache.append(words)
        return torch.cat(cache, dim=2)

    def _next(
        self, tokens: Tensor, position: Tensor, cache: Tensor, keys_values: Sequence[Tensor], mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read one word per row.

        Args:
            tokens: ``(N,)``.
            position: of the words, ``(N,)``.
            cache: of the words before, ``(N, T, layers·2·width)``.
            keys_values: each layer's keys, then its values, of what is attended to, a row each.
            mask: what is attended to, ``(N, S)``; all when absent.

        Returns:
            The last layer's vector ``(N, width)``, the longer cache, and its attention weights ``(N, S)``, averaged
            over heads.
        """
        words = self.word_embedding(tokens) + self._position(position)
        x = (words * self.config.width**0.5)[:, None]  # (N, 1, width)
        grown, attention = [], x
        pairs = zip(keys_values[::2], keys_values[1::2], strict=True)
        caches = torch.split(cache, 2 * self.config.width, dim=2)
        seen = None if mask is None else mask[:, None, None]
        for layer, earlier, (keys, values) in zip(self._decoder(), caches, pairs, strict=True):
            x, kept, attention = layer.step(x, earlier, (keys, values), seen)
            grown.append(kept)
        return x[:, 0], torch.cat(grown, dim=2), attention[:, 0]

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`."""
        hidden = self._hidden(self._read(features), inputs)
        return self._score(hidden[(targets != IGNORE_INDEX).flatten(0, 1)])

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            Memory: each layer's keys and values of the grid, ``(B, heads, L, width / heads)``. State: those of the
            words so far side by side for all layers, at first of the image alone, ``(B, 1, layers·2·width)``, and the
            next word's position, ``(B,)``.
        """
        read = self._read(features)
        return DecoderStart(tuple(itertools.chain(*read.keys_values)), (self._begin(read), first_position(read)))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`. The attention is the last layer's, averaged over heads."""
        cache, position = state
        x, cache, attention = self._next(tokens, position, cache, [part[photos] for part in memory], None)
        return DecoderStep(torch.log_softmax(self._score(x), dim=1), (cache, position + 1), attention)


def first_position(read: ImageReading) -> Tensor:
    """Return the position of the first word of each sentence, ``(B,)``: behind the image."""
    return torch.ones_like(read.first[:, 0], dtype=torch.long)
