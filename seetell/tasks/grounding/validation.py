"""How good a grounder is by now: phrases of a split located, as a user's runtime locates them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from seetell.data.entity_phrases import PhotoPhrases
from seetell.metrics.localisation import LocalisationScores, LocatedPhrases, localisation
from seetell.tasks.grounding.localisation import heatmap_peaks
from seetell.tasks.grounding.models.grounder import Grounder
from seetell.tasks.grounding.phrase_targets import Phrases


def locate_all(
    grounder: Grounder, cells: Iterable[Tensor], phrases: Phrases, grid: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Locate all phrases of photos.

    Args:
        grounder: in evaluation mode.
        cells: what is known of each photo's cells, ``(1, L, components)``, in the order of the phrases' photos.
        phrases: at least one of each photo.
        grid: rows and columns.

    Returns:
        Boxes ``(M, 4)`` and points ``(M, 2)`` in shares of the photos.
    """
    device = grounder.place.device
    boxes, points = [], []
    vectors = torch.split(phrases.vectors, phrases.counts.tolist())
    with torch.inference_mode():
        for seen, meant in zip(cells, vectors, strict=True):
            located = grounder(seen.to(device), meant[None].float().to(device))
            boxes.append(located.boxes[0].cpu().numpy())
            points.append(heatmap_peaks(located.heat[0].softmax(dim=1).reshape(-1, *grid).cpu().numpy()))
    return np.concatenate(boxes), np.concatenate(points)


def score_places(photos: Sequence[PhotoPhrases], boxes: np.ndarray, points: np.ndarray) -> LocalisationScores:
    """Score places in shares of the photos, ``(M, 4)`` and ``(M, 2)``."""
    phrases = LocatedPhrases.gather(photos)
    return localisation(phrases, boxes=boxes * np.tile(phrases.sizes, 2), points=points * phrases.sizes)
