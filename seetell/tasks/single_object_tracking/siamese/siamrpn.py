"""Following with SiamRPN and its successors: the best anchor, after sudden changes of shape and place are penalised.

Li et al. 2018, section 4.3: scores are multiplied by ``exp(-k (max(r/r', r'/r) · max(s/s', s'/s) - 1))``, with ``r``
the aspect ratio and ``s`` the size with context, before and after; a cosine window enters with a weight; and the size
changes in part, the more the surer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from seetell.geometry.boxes import Box
from seetell.tasks.single_object_tracking.patches import Pair, box_around, context_side, search_side
from seetell.tasks.single_object_tracking.siamese.network import SiameseGraphs, hann
from seetell.tasks.single_object_tracking.tracker import Located, ObjectTracker, check_box

MASK_THRESHOLD = 0.3
"""Probability from which a pixel is the object's (SiamMask)."""


@dataclass(frozen=True)
class Motion:
    """How much is believed of a frame.

    Attributes:
        penalty: ``k``, on changes of shape and size.
        window: weight of the cosine window.
        rate: share of the new size, at a score of 1 without a penalty.
    """

    penalty: float = 0.22
    window: float = 0.4
    rate: float = 0.3


class SiamRPNTracker(ObjectTracker):
    """Follows with a network of the kinds ``siamrpn``, ``siamrpn_plus_plus`` and ``siammask``.

    Args:
        graphs: of the bundle.
        name: of the bundle.
        motion: how much is believed of a frame.
    """

    def __init__(self, graphs: SiameseGraphs, name: str, motion: Motion | None = None) -> None:
        self._graphs, self.name, self._motion = graphs, name, motion or Motion()

    def start(self, image: np.ndarray, box: Box) -> Located:
        """Learn what to follow; see :meth:`ObjectTracker.start`."""
        left, upper, right, lower = check_box(box, image)
        self.centre: Pair = ((left + right) / 2, (upper + lower) / 2)
        self.size: Pair = (right - left, lower - upper)
        side = search_side(self.size)
        features = self._graphs.features(image, self.centre, [side])
        self._template = self._graphs.template(features)
        _, boxes, *vectors = self._graphs.search(features, self._template)
        mask = None
        if vectors:
            places = self._places(len(boxes[0]))
            middle = places**2 // 2
            mask = self._mask(vectors[0][:, middle], middle, places, self.centre, side, image.shape[:2])
        return Located((left, upper, right, lower), 1.0, mask)

    def update(self, image: np.ndarray) -> Located:
        """Find the object; see :meth:`ObjectTracker.update`."""
        side, centre = search_side(self.size), self.centre
        scores, boxes, *vectors = self._graphs.search(self._graphs.features(image, centre, [side]), self._template)
        zoom = self._graphs.side / side
        sides = (boxes[0, :, 2:] - boxes[0, :, :2]).clip(1e-3)
        penalties = np.exp(-self._motion.penalty * (changes(sides, (self.size[0] * zoom, self.size[1] * zoom)) - 1))
        places = self._places(len(boxes[0]))
        ranked = scores[0] * penalties * (1 - self._motion.window)
        ranked += np.repeat(hann(places).ravel(), len(ranked) // places**2) * self._motion.window
        best = int(ranked.argmax())
        score = float(scores[0, best])
        moved = ((boxes[0, best, :2] + boxes[0, best, 2:]) / 2 - self._graphs.side / 2) / zoom
        rate = self._motion.rate * float(penalties[best]) * score
        height, width = image.shape[:2]
        self.centre = (
            min(max(centre[0] + float(moved[0]), 0.0), float(width)),
            min(max(centre[1] + float(moved[1]), 0.0), float(height)),
        )
        self.size = (
            min(max((1 - rate) * self.size[0] + rate * float(sides[best, 0]) / zoom, 4.0), float(width)),
            min(max((1 - rate) * self.size[1] + rate * float(sides[best, 1]) / zoom, 4.0), float(height)),
        )
        mask = None
        if vectors:
            place = best // (len(ranked) // places**2)
            mask = self._mask(vectors[0][:, place], place, places, centre, side, (height, width))
        return Located(box_around(self.centre, self.size), score, mask)

    def _places(self, anchors: int) -> int:
        """Return the places of a side of the response."""
        return (self._graphs.side - 1) // self._graphs.stride + 2 - self._graphs.exemplar_cells

    def _mask(
        self, vector: np.ndarray, place: int, places: int, centre: Pair, side: float, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Return the object's pixels in a frame of a height and width, ``(H, W)`` bool."""
        probabilities = self._graphs.masks(vector)[0]
        zoom, stride = side / self._graphs.side, self._graphs.stride
        shift = (self._graphs.exemplar_cells - 1) / 2 * stride + 0.5 - self._graphs.side / 2
        x, y = ((index * stride + shift) * zoom for index in (place % places, place // places))
        left, upper = centre[0] + x - side / 4, centre[1] + y - side / 4
        cell = side / 2 / len(probabilities)
        matrix = (1 / cell, 0.0, -left / cell, 0.0, 1 / cell, -upper / cell)
        drawn = Image.fromarray(probabilities.astype(np.float32)).transform(
            (shape[1], shape[0]), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        return np.asarray(drawn) >= MASK_THRESHOLD


def changes(sides: np.ndarray, before: Pair) -> np.ndarray:
    """Return how much boxes of sides ``(N, 2)`` differ in shape, times in size, from the one before, from 1 on."""
    ratio = sides[:, 0] / sides[:, 1] / (before[0] / before[1])
    margins = sides.sum(axis=1) / 2
    size = np.sqrt((sides[:, 0] + margins) * (sides[:, 1] + margins)) / context_side(before)
    product: np.ndarray = np.maximum(ratio, 1 / ratio) * np.maximum(size, 1 / size)
    return product
