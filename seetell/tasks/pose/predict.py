"""Joints of a person from a bundle, on ONNX Runtime.

>>> import seetell
>>> for point in seetell.load("my-deeppose").predict("person.jpg")[0].points:
...     print(point.text, round(point.x), round(point.y))
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.errors import BundleError
from seetell.geometry.key_points import KeyPoints
from seetell.photos.opening import PhotoSource
from seetell.results import Point, Region, Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.resized_images import preprocess_with_size
from seetell.runtime.sessions import Graph
from seetell.runtime.setting_checks import numbers

Prepared = tuple[np.ndarray, tuple[int, int]]
"""The network's input ``(3, H, W)`` float32, and the image's width and height."""


class BundlePoser(BundlePredictor[Prepared, Regions]):
    """A pose network of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    The person that an image shows is one region, which the whole image is, with its joints as points. A regression has
    no confidence: scores are 1.

    Attributes:
        labels: what the person is called.
        key_points: its joints.
        margin: around a person's box in training, in shares of its sides; images should show about as much.
    """

    task = "pose"
    takes_resized = True
    batch_size = 8

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.labels = bundle.require_labels()
        self.key_points = bundle.setting("key_points", KeyPoints.from_dict)
        self.margin = bundle.setting("margin", _margin)
        self._joints = Graph.open(bundle, "joints", precision=precision, threads=self.threads)
        self._joints.require(inputs=["images"], outputs=["joints"])

    def bind(self) -> BatchFn[Prepared, Regions]:
        """Return the function that finds the joints of a batch."""
        return self._predict

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int]) -> list[Regions]:
        (joints,) = self._joints.run({"images": np.stack([image for image, _ in batch])}, ["joints"])  # (B, K, 2)
        if joints.shape[1:] != (len(self.key_points.names), 2):
            raise BundleError(f"{self.bundle.folder}: has other joints than its names; export the model again")
        return [self._regions(each, size) for each, (_, size) in zip(joints, batch, strict=True)]

    def _regions(self, joints: np.ndarray, size: tuple[int, int]) -> Regions:
        left, top, right, bottom = self.bundle.preprocessing.visible_box(size)
        placed = (np.array([left, top]) + joints * [right - left, bottom - top]).tolist()
        points = tuple(Point(name, x, y) for name, (x, y) in zip(self.key_points.names, placed, strict=True))
        person = Region(self.labels[0], (0.0, 0.0, float(size[0]), float(size[1])), 1.0, points)
        return Regions((person,), size, self.name, self.key_points.skeleton)


def _margin(content: float) -> float:
    margin: float = numbers({"margin": content}, ["margin"], least=0, expected="a share, not negative")["margin"]
    return margin
