"""A grounder: where in a photo a phrase is, learnt from boxes that people drew for phrases.

It stands on a trained aligner, which tells it what the words of a sentence and the cells of a grid mean, and stays as
it is. Several maps, each the products of a phrase with all cells, say where what it names, what belongs to that and
what is beside it may be. One of them is the heat map; from all of them a small network reads the box, as from so many
small pictures. Letters: ``B`` photos, ``N`` phrases of each, ``L`` cells, ``H`` length of a word's embedding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError


@dataclass(frozen=True)
class GrounderConfig:
    """Sizes and regularisation of a grounder.

    Attributes:
        width: length of the vectors of cells and phrases.
        maps: how many products of a phrase with a cell are taken; divides ``width``.
        mixer_hidden_size: units of the network that lets cells know of each other.
        hidden_size: units of the network that reads boxes.
        dropout: probability of zeroing an element between layers.
        feature_dropout: probability of zeroing an element of the photo's features, the same in all cells.
    """

    width: int = 192
    maps: int = 8
    mixer_hidden_size: int = 128
    hidden_size: int = 256
    dropout: float = 0.1
    feature_dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self, "width", "maps", "mixer_hidden_size", "hidden_size", of="grounder")
        if self.width % self.maps:
            raise RecipeError(f"grounder.maps: expected a divisor of the width {self.width}, got {self.maps}")
        check_probabilities(self, "dropout", "feature_dropout", of="grounder")


class GroundingOutput(NamedTuple):
    """Where phrases are.

    Attributes:
        heat: logits of each cell, ``(B, N, L)``.
        boxes: ``(B, N, 4)``, xyxy in shares of the photo's width and height; may reach beyond the photo.
        overlaps: the intersection over union that each box is expected to have with the true one, ``(B, N)``.
    """

    heat: Tensor
    boxes: Tensor
    overlaps: Tensor


class Grounder(nn.Module):
    """Locates phrases in photos.

    Args:
        config: sizes.
        components: elements of what is known of a cell, see
            :meth:`seetell.tasks.retrieval.models.aligner.Aligner.whiten_cells`.
        cells: ``L``.
        words: ``2·H``, elements of a phrase, see :func:`phrase_vector`.
    """

    def __init__(self, config: GrounderConfig, *, components: int, cells: int, words: int) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.cell = nn.Linear(components, width)
        self.surroundings = nn.Linear(components, width)
        self.place = nn.Parameter(0.02 * torch.randn(cells, width))
        self.mixing_norm, self.cell_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixing = nn.Sequential(
            nn.Linear(cells, config.mixer_hidden_size), nn.GELU(), nn.Linear(config.mixer_hidden_size, cells)
        )
        self.phrase = nn.Sequential(nn.Linear(words, width), nn.GELU(), nn.Dropout(config.dropout))
        self.key, self.value, self.query = (nn.Linear(width, width) for _ in range(3))
        self.likely_place = nn.Linear(width, cells)
        self.box = nn.Sequential(
            nn.Linear(cells * config.maps + 2 * width, config.hidden_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden_size, 5),
        )

    def forward(self, cells: Tensor, phrases: Tensor) -> GroundingOutput:
        """Locate phrases.

        Args:
            cells: what is known of each photo's cells, ``(B, L, components)``.
            phrases: ``(B, N, 2·H)``, at least one.
        """
        maps, width = self.config.maps, self.config.width
        if self.training and self.config.feature_dropout:
            cells = cells * F.dropout(torch.ones_like(cells[:, :1]), self.config.feature_dropout)
        seen = self.cell(cells) + self.place + self.surroundings(cells.mean(dim=1, keepdim=True))
        seen = seen + self.mixing(self.mixing_norm(seen).transpose(1, 2)).transpose(1, 2)
        seen = self.cell_norm(seen)  # (B, L, width)
        mean, last = phrases.chunk(2, dim=2)
        meant = self.phrase(torch.cat([F.normalize(mean, dim=2), F.normalize(last, dim=2)], dim=2))  # (B, N, width)
        keys = self.key(seen).unflatten(2, (maps, -1)).permute(0, 2, 3, 1)  # (B, maps, width / maps, L)
        queries = self.query(meant).unflatten(2, (maps, -1)).transpose(1, 2)  # (B, maps, N, width / maps)
        products = queries @ keys / math.sqrt(width / maps)  # (B, maps, N, L)
        heat = products[:, 0] + self.likely_place(meant)
        attended = heat.softmax(dim=2) @ self.value(seen)
        read = self.box(torch.cat([products.transpose(1, 2).flatten(2), meant, attended], dim=2)).sigmoid()
        centre, size, overlaps = read[..., :2], read[..., 2:4], read[..., 4]
        return GroundingOutput(heat, torch.cat([centre - size / 2, centre + size / 2], dim=2), overlaps)


def phrase_vector(words: Tensor) -> Tensor:
    """Return a phrase's mean word and its last word, which most often is its noun, ``(2·H,)``.

    Args:
        words: of one phrase as an aligner embeds them, ``(T, H)``, at least one; their common scale does not matter.
    """
    return torch.cat([words.mean(dim=0), words[-1]])
