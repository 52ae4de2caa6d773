"""Validation of grounders: how many boxes and points are right, as at prediction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from seetell.data.entity_phrases import PhotoPhrases
from seetell.metrics.localisation import LocalisationScores, LocatedPhrases, localisation
from seetell.tasks.grounding.localisation import heatmap_peaks
from seetell.tasks.grounding.models.grounder import Grounder
from seetell.tasks.grounding.phrase_targets import PhraseTargets


def predict_boxes(
    grounder: Grounder, cells: Iterable[Tensor], targets: PhraseTargets, grid: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Locate all phrases of photos.

    Args:
        grounder: in evaluation mode.
        cells: whitened features of each photo's cells, ``(1, L, components)``, in the order of the targets' photos.
        targets: at least one phrase of each photo.
        grid: rows and columns.

    Returns:
        Boxes ``(M, 4)`` xyxy and points ``(M, 2)``, normalised to [0, 1].
    """
    device = grounder.place.device
    boxes, points = [], []
    vectors = torch.split(targets.vectors, targets.counts.tolist())
    with torch.inference_mode():
        for photo_cells, phrases in zip(cells, vectors, strict=True):
            output = grounder(photo_cells.to(device), phrases[None].float().to(device))
            boxes.append(output.boxes[0].cpu().numpy())
            points.append(heatmap_peaks(output.heat[0].softmax(dim=1).reshape(-1, *grid).cpu().numpy()))
    return np.concatenate(boxes), np.concatenate(points)


def score_predictions(photos: Sequence[PhotoPhrases], boxes: np.ndarray, points: np.ndarray) -> LocalisationScores:
    """Score boxes ``(M, 4)`` and points ``(M, 2)``, normalised to [0, 1]."""
    phrases = LocatedPhrases.gather(photos)
    return localisation(phrases, boxes=boxes * np.tile(phrases.sizes, 2), points=points * phrases.sizes)
