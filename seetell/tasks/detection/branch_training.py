"""What the branches of detectors learn from, and how they are validated: masks and key points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from seetell.data.records import ObjectPhoto
from seetell.geometry.heat_maps import points_of
from seetell.geometry.key_points import mirror_points
from seetell.geometry.masks import encode, paste
from seetell.geometry.polygons import fill_polygons
from seetell.metrics.detection import Detection, DetectionScores
from seetell.metrics.instances import Instance, mask_average_precision
from seetell.metrics.key_points import PosedObject, key_point_average_precision, sigmas_of
from seetell.nn.roi_pooling import as_rois
from seetell.photos import Preprocessing
from seetell.tasks.detection.config import DetectionConfig
from seetell.tasks.detection.models.branches import BranchedRCNN


class BranchTraining(ABC):
    """What a kind of branch learns from.

    Args:
        section: of the run.
        input: of the encoder, which photos fill.
    """

    def __init__(self, section: DetectionConfig, input: Preprocessing) -> None:
        self.section, self.size = section, (input.width, input.height)

    @abstractmethod
    def targets(self, photo: ObjectPhoto, *, mirrored: bool = False) -> Tensor:
        """Return what the branch should find of each object; see :class:`~.models.detector.Targets`."""

    @abstractmethod
    def validation(self, detector: Any) -> BranchValidation:
        """Begin a validation."""


class BranchValidation(ABC):
    """Collects what a branch finds in validation photos.

    Attributes:
        name: of the score.

    Args:
        training: what it learns from.
        detector: in evaluation mode.
    """

    name: ClassVar[str]

    def __init__(self, training: BranchTraining, detector: BranchedRCNN) -> None:
        self.training, self.detector = training, detector
        self.truth: dict[Any, Any] = {}
        self.found: dict[Any, Any] = {}

    def add(self, maps: Sequence[Tensor], photos: Sequence[ObjectPhoto], found: Sequence[Sequence[Detection]]) -> None:
        """Look at the objects found in photos.

        Args:
            maps: of the encoder.
            photos: of the batch.
            found: objects of each, in pixels of the encoder's input.
        """
        numbers = {name: number for number, name in enumerate(self.training.section.classes)}
        like = maps[0]
        boxes = [like.new_tensor([each.box for each in objects]).reshape(-1, 4) for objects in found]
        labels = [numbers[each.label] for objects in found for each in objects]
        details = np.zeros((0,))
        if labels:
            with torch.inference_mode():
                chosen = torch.tensor(labels, device=like.device)
                details = self.detector.look(self.detector.trunk(maps), as_rois(boxes), chosen).numpy(force=True)
        ends = np.cumsum([len(objects) for objects in found])[:-1]
        for photo, objects, own in zip(photos, found, np.split(details, ends), strict=True):
            self.truth[photo.id], self.found[photo.id] = self.compared(photo, objects, own)

    @abstractmethod
    def compared(
        self, photo: ObjectPhoto, found: Sequence[Detection], details: np.ndarray
    ) -> tuple[list[Any], list[Any]]:
        """Return the true objects of a photo and those that were found, as the metric takes them.

        Args:
            photo: whose.
            found: objects.
            details: what the branch found of each.
        """

    @abstractmethod
    def scores(self) -> DetectionScores:
        """Return the average precision of all that was added."""


class MaskTraining(BranchTraining):
    """Masks, of the polygons of a data set."""

    def targets(self, photo: ObjectPhoto, *, mirrored: bool = False) -> Tensor:
        """Return masks ``(G, H, W)`` uint8 at the size of the encoder's input; without polygons the whole box."""
        masks = np.array([self.mask(photo, place) for place in range(len(photo.boxes))], np.uint8)
        masks = masks.reshape(-1, self.size[1], self.size[0])
        return torch.from_numpy(masks[:, :, ::-1].copy() if mirrored else masks)

    def mask(self, photo: ObjectPhoto, place: int) -> np.ndarray:
        """Return the mask of an object, ``(H, W)`` bool."""
        outline = photo.details[place].outline if photo.details else ()
        left, top, right, bottom = photo.boxes[place]
        polygons = outline or [np.array([left, top, right, top, right, bottom, left, bottom])]
        scaled = [(polygon.reshape(-1, 2) * self.size).ravel().tolist() for polygon in polygons]
        return fill_polygons(scaled, self.size)

    def validation(self, detector: Any) -> BranchValidation:
        """Begin a validation."""
        return MaskValidation(self, detector)


class MaskValidation(BranchValidation):
    """Average precision of masks, at the size of the encoder's input."""

    name = "mask_AP"
    training: MaskTraining

    def compared(
        self, photo: ObjectPhoto, found: Sequence[Detection], details: np.ndarray
    ) -> tuple[list[Instance], list[Instance]]:
        """Return instances."""
        size = self.training.size
        true = [
            Instance(name, encode(self.training.mask(photo, place)), size) for place, name in enumerate(photo.classes)
        ]
        return true, [
            Instance(each.label, encode(paste(cells, each.box, size)), size, each.score)
            for each, cells in zip(found, details, strict=True)
        ]

    def scores(self) -> DetectionScores:
        """Return the average precision."""
        return mask_average_precision(self.truth, self.found)


class KeyPointTraining(BranchTraining):
    """Key points, of COCO's files."""

    def targets(self, photo: ObjectPhoto, *, mirrored: bool = False) -> Tensor:
        """Return points ``(G, K, 3)`` float32 in pixels of the encoder's input."""
        count = len(self.section.key_points.names)
        points = np.array([details.points for details in photo.details], np.float32).reshape(-1, count, 3)
        points = points * np.array([*self.size, 1], np.float32)
        if mirrored:
            points = mirror_points(points, self.section.key_points.mirrored, width=self.size[0])
        return torch.from_numpy(points)

    def validation(self, detector: Any) -> BranchValidation:
        """Begin a validation."""
        return KeyPointValidation(self, detector)


class KeyPointValidation(BranchValidation):
    """Average precision of key points, in pixels of the encoder's input."""

    name = "key_point_AP"

    def compared(
        self, photo: ObjectPhoto, found: Sequence[Detection], details: np.ndarray
    ) -> tuple[list[PosedObject], list[PosedObject]]:
        """Return objects with their points."""
        size, points = self.training.size, self.training.targets(photo).numpy()
        true = [
            PosedObject(name, own, tuple(np.array(box) * np.tile(size, 2)), each.area * size[0] * size[1])
            for name, own, box, each in zip(photo.classes, points, photo.boxes, photo.details, strict=True)
        ]
        return true, [
            PosedObject(each.label, points_of(maps, each.box), score=each.score)
            for each, maps in zip(found, details, strict=True)
        ]

    def scores(self) -> DetectionScores:
        """Return the average precision."""
        sigmas = sigmas_of(self.training.section.key_points.names)
        return key_point_average_precision(self.truth, self.found, sigmas)


_KINDS: dict[str, type[BranchTraining]] = {"masks": MaskTraining, "key_points": KeyPointTraining}


def branch_training(finds: str, section: DetectionConfig, input: Preprocessing) -> BranchTraining | None:
    """Return what the branch of a detector learns from; nothing for one without."""
    return _KINDS[finds](section, input) if finds else None
