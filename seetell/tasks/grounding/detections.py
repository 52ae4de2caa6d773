"""Detected objects as candidates for the box of a phrase: alone, in pairs, and all of a class.

A detector's boxes are tighter than a regressed one, but it knows few classes, and a phrase such as "two men" means
several of its boxes at once. Letters: ``B`` images, ``N`` phrases of each, ``K`` detections, ``C`` = 3·K candidates,
``L`` cells of the grid.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.tasks.retrieval.models.tags import cell_overlaps, detection_vectors, is_detection, pool_boxes

KINDS = 3
PAIRED_SCORE = 0.2
"""Least score of a detection that is joined with others of its class."""

ABSENT = -8192.0
"""Logit of what is none; a power of two, which is the same in every precision."""


class Candidates(NamedTuple):
    """Boxes that a phrase may mean.

    Attributes:
        boxes: ``(B, C, 4)``: the detections, each with the best other of its class, each with all others of its class.
        labels: ``(B, C, O + 5 + 3)``: class times score and box of the detection, and which of the three it is.
        there: ``(B, C)`` bool, whether there is such a box.
    """

    boxes: Tensor
    labels: Tensor
    there: Tensor


def candidates(detections: Tensor, objects: int) -> Candidates:
    """Return the candidates that detections make.

    Args:
        detections: ``(B, K, 6)``, the highest score first; see
            :class:`~seetell.tasks.retrieval.models.tags.ObjectTags`.
        objects: ``O``, number of classes.
    """
    label, score, boxes = detections[..., 0], detections[..., 1], detections[..., 2:]
    count = detections.shape[1]
    itself = torch.eye(count, dtype=torch.bool, device=detections.device)
    paired = score >= PAIRED_SCORE
    alike = (label[:, :, None] == label[:, None]) & paired[:, :, None] & paired[:, None] & ~itself  # (B, K, K)
    first = alike & (alike.long().cumsum(dim=2) == 1)
    several = alike.sum(dim=2) > 1
    there = torch.cat([is_detection(detections)[..., 0] > 0, alike.any(dim=2), several], dim=1)
    joined = [boxes, *(_enclosing(boxes, others | itself) for others in (first, alike))]
    vectors = detection_vectors(detections, objects).repeat(1, KINDS, 1)
    kinds = F.one_hot(torch.arange(KINDS, device=boxes.device).repeat_interleave(count), KINDS).to(boxes.dtype)
    labels = torch.cat([vectors, kinds[None].expand(len(boxes), -1, -1)], dim=2)
    return Candidates(torch.cat(joined, dim=1), labels, there)


def _enclosing(boxes: Tensor, members: Tensor) -> Tensor:
    """Return the box around the members ``(B, K, K)`` of each group of boxes ``(B, K, 4)``."""
    outside = ~members[..., None]
    upper = boxes[:, None, :, :2].masked_fill(outside, 1.0).amin(dim=2)
    lower = boxes[:, None, :, 2:].masked_fill(outside, 0.0).amax(dim=2)
    return torch.cat([upper, lower], dim=2)


class CandidateReader(nn.Module):
    """Attends from phrases to candidates.

    Args:
        objects: number of classes.
        width: length of the vectors of cells, phrases and candidates.
        maps: number of attention maps; divides ``width``.
        grid: rows and columns of cells.
        dropout: probability of zeroing an element of a label.
    """

    def __init__(self, objects: int, *, width: int, maps: int, grid: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.maps, self.grid, self.dropout = maps, grid, dropout
        self.label = nn.Linear(objects + 5 + KINDS, width)
        self.appearance = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.key, self.value, self.query = (nn.Linear(width, width) for _ in range(3))
        self.none = nn.Parameter(torch.zeros(maps))

    @property
    def outputs(self) -> int:
        """Values per phrase that :meth:`forward` returns for the box, beside one vector of the width."""
        return 5 * self.maps

    def read(self, found: Candidates, cells: Tensor) -> Tensor:
        """Return a vector per candidate, ``(B, C, width)``, from its label and from the cells ``(B, L, width)``."""
        labels = F.dropout(found.labels, self.dropout, self.training)
        vectors = self.label(labels) + self.appearance(pool_boxes(cells, found.boxes, self.grid))
        return F.gelu(self.norm(vectors))

    def forward(self, found: Candidates, vectors: Tensor, phrases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Attend.

        Args:
            found: the candidates.
            vectors: of candidates, ``(B, C, width)``.
            phrases: ``(B, N, width)``.

        Returns:
            What the first map attends to, ``(B, N, width)``; the expected box and share of candidates of each map,
            ``(B, N, 5·maps)``; and products with candidates, ``(B, maps, N, C)``.
        """
        keys = self.key(vectors).unflatten(2, (self.maps, -1)).permute(0, 2, 3, 1)  # (B, maps, width / maps, C)
        queries = self.query(phrases).unflatten(2, (self.maps, -1)).transpose(1, 2)  # (B, maps, N, width / maps)
        products = queries @ keys / keys.shape[2] ** 0.5
        products = products.masked_fill(~found.there[:, None, None], ABSENT)
        none = self.none[None, :, None, None].expand(*products.shape[:3], 1)
        attention = torch.cat([products, none], dim=3).softmax(dim=3)[..., :-1]  # (B, maps, N, C)
        places = F.pad(found.boxes - 0.5, (0, 1), value=1.0)
        expected = (attention @ places[:, None]).transpose(1, 2).flatten(2)
        return attention[:, 0] @ self.value(vectors), expected, products


class BoxSelector(nn.Module):
    """Scores the regressed box of a phrase and every candidate: how likely is it that it is right?

    Args:
        width: length of the vectors of phrases and candidates.
        hidden: hidden units.
        grid: rows and columns of cells.
        dropout: probability of zeroing a hidden unit.
    """

    def __init__(self, width: int, hidden: int, *, grid: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.grid = grid
        self.phrase, self.candidate = nn.Linear(width, hidden), nn.Linear(width, hidden)
        self.regressed = nn.Parameter(torch.zeros(hidden))
        self.geometry = nn.Linear(11, hidden)
        self.score = nn.Sequential(
            nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, 1)
        )

    def forward(
        self, found: Candidates, vectors: Tensor, phrases: Tensor, products: Tensor, boxes: Tensor, heat: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score boxes.

        Args:
            found: the candidates.
            vectors: of candidates, ``(B, C, width)``.
            phrases: ``(B, N, width)``.
            products: see :meth:`CandidateReader.forward`.
            boxes: regressed, ``(B, N, 4)``.
            heat: probabilities of cells, ``(B, N, L)``.

        Returns:
            Boxes ``(B, N, 1 + C, 4)``, the regressed one first, and logits that each is right, ``(B, N, 1 + C)``.
        """
        own, count = boxes.clamp(0, 1)[:, :, None], boxes.shape[1]
        all_boxes = torch.cat([own, found.boxes[:, None].expand(-1, count, -1, -1)], dim=2)
        overlaps = cell_overlaps(all_boxes, self.grid)
        mass = (overlaps * heat[:, :, None]).sum(dim=3)
        area = overlaps.mean(dim=3)
        best = F.pad(products.amax(dim=1).clamp(min=-20) / 5, (1, 0))
        measures = torch.stack([box_iou(all_boxes, own), mass, area.sqrt(), mass / (mass + area + 1e-3), best], dim=3)
        geometry = torch.cat([measures, all_boxes - own, all_boxes[..., 2:] - all_boxes[..., :2]], dim=3)
        of_boxes = torch.cat([self.regressed.expand(len(vectors), 1, -1), self.candidate(vectors)], dim=1)
        asked, offered = self.phrase(phrases)[:, :, None], of_boxes[:, None]
        hidden = asked + offered + asked * offered + self.geometry(geometry)
        logits = self.score(hidden)[..., 0]
        there = F.pad(found.there, (1, 0), value=True)
        return all_boxes, logits.masked_fill(~there[:, None], ABSENT)


def box_iou(one: Tensor, other: Tensor) -> Tensor:
    """Return intersection over union of boxes ``(…, 4)``, whose leading axes broadcast, ``(…)``."""
    upper = torch.maximum(one[..., :2], other[..., :2])
    lower = torch.minimum(one[..., 2:], other[..., 2:])
    shared = _area(torch.cat([upper, lower], dim=-1))
    return shared / (_area(one) + _area(other) - shared).clamp(min=1e-9)


def _area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def selection_loss(boxes: Tensor, logits: Tensor, true: Tensor) -> Tensor:
    """Compare the scores of boxes with how well they overlap the true one.

    A box is right from an intersection over union of 0.5 on; between 0.4 and 0.6 it is partly so. The loss is the
    binary cross-entropy of every box, plus the cross-entropy of choosing among the right ones.

    Args:
        boxes: ``(B, N, 1 + C, 4)``.
        logits: ``(B, N, 1 + C)``.
        true: ``(B, N, 4)``.
    """
    there = (logits > ABSENT).to(logits.dtype)
    right = ((box_iou(boxes, true[:, :, None]) - 0.4) / 0.2).clamp(0, 1).detach() * there
    each = F.binary_cross_entropy_with_logits(logits, right, reduction="none") * there
    chosen = right.square() / (right.square().sum(dim=2, keepdim=True) + 1e-6)
    choice = -(chosen * logits.log_softmax(dim=2)).sum(dim=2)
    loss: Tensor = each.sum(dim=2).mean() / KINDS + choice.mean()
    return loss
