"""Following with SiamFC: three sizes, the greatest response after it has been enlarged sixteenfold, little movement.

Bertinetto et al. 2016, section 4.1: responses of sizes that differ from the last one are multiplied by 0.9745, a cosine
window enters with a weight of 0.176, and the size changes by 0.59 of what was found. The numbers are those of their
version with three scales.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from seetell.geometry.boxes import Box
from seetell.logistic import sigmoid
from seetell.tasks.single_object_tracking.patches import Pair, box_around, search_side
from seetell.tasks.single_object_tracking.siamese.network import SiameseGraphs, hann
from seetell.tasks.single_object_tracking.siamese.target_aware import channel_importance, chosen_channels
from seetell.tasks.single_object_tracking.tracker import Located, ObjectTracker, check_box

SCALES = 1.0375 ** np.arange(-1, 2)
SCALE_PENALTY, SCALE_RATE, WINDOW_INFLUENCE, ENLARGED = 0.9745, 0.59, 0.176, 16


class SiamFCTracker(ObjectTracker):
    """Follows with a network of the kind ``siamfc``.

    Args:
        graphs: of the bundle.
        name: of the bundle.
        channels: share of the channels that are compared, those that tell the object from what is around it; see
            :mod:`~.target_aware`.
    """

    def __init__(self, graphs: SiameseGraphs, name: str, *, channels: float = 1.0) -> None:
        self._graphs, self.name, self._channels = graphs, name, channels

    def start(self, image: np.ndarray, box: Box) -> Located:
        """Learn what to follow; see :meth:`ObjectTracker.start`."""
        left, upper, right, lower = check_box(box, image)
        self.centre: Pair = ((left + right) / 2, (upper + lower) / 2)
        self.size: Pair = (right - left, lower - upper)
        self._first = self.size
        side = search_side(self.size)
        features = self._graphs.features(image, self.centre, [side])
        self._template = self._graphs.template(features)
        if self._channels < 1:
            self._template = [each * self._chosen(features, side)[:, None, None] for each in self._template]
        return Located((left, upper, right, lower), 1.0)

    def _chosen(self, features: np.ndarray, side: float) -> np.ndarray:
        """Return which channels are compared, ``(C,)`` bool."""
        cell = side * self._graphs.stride / self._graphs.side
        deviations = self.size[0] / cell / 4, self.size[1] / cell / 4
        importance = channel_importance(features[0], self._graphs.exemplar_cells, deviations)
        return chosen_channels(importance, self._channels)

    def update(self, image: np.ndarray) -> Located:
        """Find the object; see :meth:`ObjectTracker.update`."""
        sides = search_side(self.size) * SCALES
        (logits,) = self._graphs.search(self._graphs.features(image, self.centre, list(sides)), self._template)
        scale, (dx, dy), score = best_place(logits)
        moved = self._graphs.stride * sides[scale] / self._graphs.side
        height, width = image.shape[:2]
        self.centre = (
            min(max(self.centre[0] + dx * moved, 0.0), float(width)),
            min(max(self.centre[1] + dy * moved, 0.0), float(height)),
        )
        factor = (1 - SCALE_RATE) + SCALE_RATE * float(SCALES[scale])
        grown = min(max(self.size[0] * factor / self._first[0], 0.2), 5.0)
        self.size = self._first[0] * grown, self._first[1] * grown
        return Located(box_around(self.centre, self.size), score)


def best_place(logits: np.ndarray) -> tuple[int, Pair, float]:
    """Return the number of the best size, how far off the middle its best place is in cells, and its probability.

    Args:
        logits: responses ``(scales, n, n)``, the middle size being the last one's.
    """
    places = logits.shape[-1]
    probabilities = sigmoid(logits.astype(np.float32))
    enlarged = np.stack([_enlarged(each) for each in probabilities])
    penalties = np.full(len(logits), SCALE_PENALTY, np.float32)
    penalties[len(logits) // 2] = 1
    scale = int((enlarged.max(axis=(1, 2)) * penalties).argmax())
    response = enlarged[scale] - enlarged[scale].min()
    response /= response.sum() + 1e-12
    window = hann(places * ENLARGED)
    response = (1 - WINDOW_INFLUENCE) * response + WINDOW_INFLUENCE * window / window.sum()
    row, column = np.unravel_index(int(response.argmax()), response.shape)
    offset = tuple((index + 0.5) / ENLARGED - places / 2 for index in (column, row))
    return scale, (float(offset[0]), float(offset[1])), float(np.clip(enlarged[scale, row, column], 0, 1))


def _enlarged(response: np.ndarray) -> np.ndarray:
    side = response.shape[0] * ENLARGED
    return np.asarray(Image.fromarray(response).resize((side, side), Image.Resampling.BICUBIC))
