"""A grounder: the boxes of phrases in an image, learnt from annotated boxes.

It takes word embeddings and whitened grid cells of a trained, frozen aligner. Several attention maps, each the dot
products of a phrase with all cells, may mark what the phrase names, its parts and its surroundings. The first is the
heat map; a small network regresses the box from all of them. Where images are tagged, phrases attend to detected
objects as well, and the regressed box may give way to that of objects. Letters: ``B`` images, ``N`` phrases of each,
``L`` cells, ``H`` length of a word's embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_convert, generalized_box_iou_loss

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.grounding.detections import BoxSelector, CandidateReader, box_iou, candidates, selection_loss

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
        detections: objects that are candidates for boxes; 0 where images are not tagged.
        selector_hidden_size: hidden units of the network that chooses among candidates.
        dropout: probability of zeroing an element between layers.
        feature_dropout: probability of zeroing an element of the image's features, the same in all cells.
    """

    width: int = 192
    maps: int = 8
    mixer_hidden_size: int = 128
    hidden_size: int = 256
    detections: int = 0
    selector_hidden_size: int = 96
    dropout: float = 0.1
    feature_dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self, "width", "maps", "mixer_hidden_size", "hidden_size", "selector_hidden_size")
        if self.detections < 0:
            raise RecipeError(f"detections: expected 0 or more, got {self.detections}")
        if self.width % self.maps:
            raise RecipeError(f"maps: expected a divisor of the width {self.width}, got {self.maps}")
        check_probabilities(self, "dropout", "feature_dropout")


class GroundingOutput(NamedTuple):
    """Predicted locations of phrases.

    Attributes:
        heat: logits of each cell, ``(B, N, L)``.
        boxes: ``(B, N, 4)``, xyxy normalised to [0, 1]; may reach beyond the image.
        overlaps: predicted intersection over union of each box with the true one, ``(B, N)``.
        candidates: :attr:`boxes` and those of objects, ``(B, N, 1 + C, 4)``; ``None`` where images are not tagged.
        fits: logits that each candidate is right, ``(B, N, 1 + C)``; ``None`` as :attr:`candidates`.
    """

    heat: Tensor
    boxes: Tensor
    overlaps: Tensor
    candidates: Tensor | None = None
    fits: Tensor | None = None

    def chosen(self) -> tuple[Tensor, Tensor]:
        """Return the best box of each phrase, ``(B, N, 4)``, and how sure it is, ``(B, N)``."""
        if self.candidates is None or self.fits is None:
            return self.boxes, self.overlaps
        best, chosen = self.fits.max(dim=2)
        boxes = self.candidates.gather(2, chosen[..., None, None].expand(-1, -1, 1, 4))[:, :, 0]
        return boxes, best.sigmoid()


class Grounder(nn.Module):
    """Grounds phrases in images.

    Args:
        config: sizes.
        components: length of a cell's vector, see
            :meth:`seetell.tasks.retrieval.models.aligner.Aligner.whiten_cells`.
        grid: rows and columns of cells.
        words: ``2·H``, length of a phrase's vector, see :func:`phrase_vector`.
        objects: classes of detected objects; 0 where images are not tagged.
    """

    def __init__(
        self, config: GrounderConfig, *, components: int, grid: tuple[int, int], words: int, objects: int = 0
    ) -> None:
        super().__init__()
        self.config, self.objects, width, cells = config, objects, config.width, math.prod(grid)
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
        inputs = cells * config.maps + 2 * width
        if config.detections:
            self.reader = CandidateReader(objects, width=width, maps=config.maps, grid=grid, dropout=config.dropout)
            self.selector = BoxSelector(width, config.selector_hidden_size, grid=grid, dropout=config.dropout)
            inputs += width + self.reader.outputs
        self.box = nn.Sequential(
            nn.Linear(inputs, config.hidden_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden_size, 5),
        )

    def forward(self, cells: Tensor, phrases: Tensor, detections: Tensor) -> GroundingOutput:
        """Locate phrases.

        Args:
            cells: whitened features of each image's cells, ``(B, L, components)``.
            phrases: ``(B, N, 2·H)``, at least one.
            detections: of each image, ``(B, K, 6)``; see :class:`~seetell.tasks.retrieval.models.tags.ObjectTags`.
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
        seen = [products.transpose(1, 2).flatten(2), phrase, attended]
        if not self.config.detections:
            return GroundingOutput(heat, *self._regress(seen))
        found = candidates(detections[:, : self.config.detections], self.objects)
        vectors = self.reader.read(found, x)
        *read, fitting = self.reader(found, vectors, phrase)
        boxes, overlaps = self._regress([*seen, *read])
        choice = self.selector(found, vectors, phrase, fitting, boxes.detach(), heat.softmax(dim=2).detach())
        return GroundingOutput(heat, boxes, overlaps, *choice)

    def _regress(self, seen: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return boxes ``(B, N, 4)`` and their expected overlaps ``(B, N)``."""
        box = self.box(torch.cat(list(seen), dim=2)).sigmoid()
        centre, size, overlaps = box[..., :2], box[..., 2:4], box[..., 4]
        return torch.cat([centre - size / 2, centre + size / 2], dim=2), overlaps


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
    overlap_loss = F.l1_loss(located.overlaps, box_iou(located.boxes, boxes).detach())
    loss: Tensor = 0.5 * spread_loss + mass_loss + SIDES * sides_loss + OVERLAP * generalised_loss + overlap_loss
    if located.candidates is not None and located.fits is not None:
        loss = loss + selection_loss(located.candidates, located.fits, boxes)
    return loss


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Grounder:
    """Create the grounder of a run, with random weights, for an aligner of the sizes that the run has recorded."""
    aligner = config.section.aligner
    return Grounder(
        config.section.grounder,
        components=aligner.components,
        grid=encoder.grid_size,
        words=2 * aligner.members * aligner.width,
        objects=aligner.object_classes,
    )
