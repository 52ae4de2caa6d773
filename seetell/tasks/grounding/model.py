"""A grounder: the boxes of phrases in an image, learnt from annotated boxes.

It takes word embeddings and whitened grid cells of a trained, frozen aligner. Several attention maps, each the dot
products of a phrase with all cells, may mark what the phrase names, its parts and its surroundings. The first is the
heat map; a small network regresses the box from all of them. Letters: ``B`` images, ``N`` phrases of each, ``L`` cells,
``H`` length of a word's embedding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_convert, generalized_box_iou_loss
from torchvision.ops._utils import _loss_inter_union

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder

if TYPE_CHECKING:
    from seetell.training.config import RunConfig


@dataclass(frozen=True)
class GrounderConfig:
    """Sizes and regularisation of a grounder.

    Attributes:
        width: length of the vectors of cells and phrases.
        maps: number of attention maps; divides ``width``.
        mixer_hidden_size: hidden units of the network that mixes cells.
        hidden_size: hidden units of the network that regresses boxes.
        dropout: probability of zeroing an element between layers.
        feature_dropout: probability of zeroing an element of the image's features, the same in all cells.
    """

    width: int = 192
    maps: int = 8
    mixer_hidden_size: int = 128
    hidden_size: int = 256
    dropout: float = 0.1
    feature_dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self, "width", "maps", "mixer_hidden_size", "hidden_size")
        if self.width % self.maps:
            raise RecipeError(f"maps: expected a divisor of the width {self.width}, got {self.maps}")
        check_probabilities(self, "dropout", "feature_dropout")


class GroundingOutput(NamedTuple):
    """Predicted locations of phrases.

    Attributes:
        heat: logits of each cell, ``(B, N, L)``.
        boxes: ``(B, N, 4)``, xyxy normalised to [0, 1]; may reach beyond the image.
        overlaps: predicted intersection over union of each box with the true one, ``(B, N)``.
    """

    heat: Tensor
    boxes: Tensor
    overlaps: Tensor


class Grounder(nn.Module):
    """Grounds phrases in images.

    Args:
        config: sizes.
        components: length of a cell's vector, see
            :meth:`seetell.tasks.retrieval.models.aligner.Aligner.whiten_cells`.
        cells: ``L``.
        words: ``2·H``, length of a phrase's vector, see :func:`phrase_vector`.
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
            cells: whitened features of each image's cells, ``(B, L, components)``.
            phrases: ``(B, N, 2·H)``, at least one.
        """
        maps, width = self.config.maps, self.config.width
        if self.training and self.config.feature_dropout:
            cells = cells * F.dropout(torch.ones_like(cells[:, :1]), self.config.feature_dropout)
        x = self.cell(cells) + self.place + self.surroundings(cells.mean(dim=1, keepdim=True))
        x = x + self.mixing(self.mixing_norm(x).transpose(1, 2)).transpose(1, 2)
        x = self.cell_norm(x)  # (B, L, width)
        mean, last = phrases.chunk(2, dim=2)
        phrase = self.phrase(torch.cat([F.normalize(mean, dim=2), F.normalize(last, dim=2)], dim=2))  # (B, N, width)
        keys = self.key(x).unflatten(2, (maps, -1)).permute(0, 2, 3, 1)  # (B, maps, width / maps, L)
        queries = self.query(phrase).unflatten(2, (maps, -1)).transpose(1, 2)  # (B, maps, N, width / maps)
        products = queries @ keys / math.sqrt(width / maps)  # (B, maps, N, L)
        heat = products[:, 0] + self.likely_place(phrase)
        attended = heat.softmax(dim=2) @ self.value(x)
        box = self.box(torch.cat([products.transpose(1, 2).flatten(2), phrase, attended], dim=2)).sigmoid()
        centre, size, overlaps = box[..., :2], box[..., 2:4], box[..., 4]
        return GroundingOutput(heat, torch.cat([centre - size / 2, centre + size / 2], dim=2), overlaps)


def phrase_vector(words: Tensor) -> Tensor:
    """Return a phrase's mean word and its last word, which is mostly its noun, ``(2·H,)``.

    Args:
        words: embeddings of one phrase by an aligner, ``(T, H)``, at least one; their common scale does not matter.
    """
    return torch.cat([words.mean(dim=0), words[-1]])


SIDES, OVERLAP = 2.5, 2.0
"""Weights of the L1 distance and of the overlap, from DETR's 5 and 2 (Carion et al. 2020), which sums over the four
sides as well; the first is halved, to leave the heat map's loss its share."""


def grounding_loss(located: GroundingOutput, boxes: Tensor, cover: Tensor) -> Tensor:
    """Compare predicted locations of phrases with the ground truth.

    The heat map is a distribution over cells. Its loss is the cross-entropy with the cells' coverage by the box, plus
    the negative logarithm of its mass within the box, −ln Σ_l p_l·cover_l. Boxes are compared by the L1 distance of
    centres and sizes and by generalised intersection over union (Rezatofighi et al. 2019).

    Args:
        located: of ``B × N`` phrases.
        boxes: the true ones, ``(B, N, 4)`` xyxy normalised to [0, 1].
        cover: the share of each cell within them, ``(B, N, L)``, not all 0.
    """
    logprobs = located.heat.log_softmax(dim=2)
    distribution = cover / cover.sum(dim=2, keepdim=True).clamp(min=1e-6)
    spread_loss = -(distribution * logprobs).sum(dim=2).mean()
    mass_loss = -torch.logsumexp(logprobs + cover.clamp(min=1e-6).log(), dim=2).mean()
    found, true = (box_convert(corners, "xyxy", "cxcywh") for corners in (located.boxes, boxes))
    sides_loss = (found - true).abs().sum(dim=2).mean()
    generalised_loss = generalized_box_iou_loss(located.boxes, boxes, reduction="mean")
    overlap_loss = F.l1_loss(located.overlaps, paired_iou(located.boxes, boxes).detach())
    loss: Tensor = 0.5 * spread_loss + mass_loss + SIDES * sides_loss + OVERLAP * generalised_loss + overlap_loss
    return loss


def paired_iou(one: Tensor, other: Tensor) -> Tensor:
    """Return the intersection over union of each box ``(…, 4)`` with the other at its place, ``(…)``."""
    shared, covered = _loss_inter_union(one, other)
    overlap: Tensor = shared / covered.clamp(min=1e-9)
    return overlap


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Grounder:
    """Create the grounder of a run, with random weights, for an aligner of the sizes that the run has recorded."""
    aligner = config.section.aligner
    return Grounder(
        config.section.grounder,
        components=aligner.components,
        cells=math.prod(encoder.grid_size),
        words=2 * aligner.width,
    )
