"""Detectors that say more of each object than its box: a third branch beside the classes and boxes of the head.

He et al., "Mask R-CNN", ICCV 2017, section 3: in training the branch looks at the proposals that are matched with an
object, and its loss is added to the others; in prediction it looks at the boxes that the head has moved and of which
the best were chosen, and costs little.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from seetell.nn.box_head import Loss
from seetell.nn.roi_pooling import PyramidRoIAlign, as_rois
from seetell.tasks.detection.models.detector import DetectorSpec, Targets
from seetell.tasks.detection.models.fpn import PyramidConfig, PyramidRCNN

BRANCH_CELLS = 14
"""Rows and columns that a branch pools of each box."""


class BranchedRCNN(PyramidRCNN):
    """Faster R-CNN on a feature pyramid, with a branch.

    Attributes:
        finds: what the branch finds of each object; the name of its graph in a bundle.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    finds: ClassVar[Literal["", "masks", "key_points"]]

    def __init__(self, config: PyramidConfig, spec: DetectorSpec) -> None:
        super().__init__(config, spec)
        self.branch_pool = PyramidRoIAlign(BRANCH_CELLS, config.strides, canonical_size=config.canonical_box_size)

    @abstractmethod
    def branch_loss(self, trunk: Sequence[Tensor], rois: Tensor, details: list[Tensor], labels: Tensor) -> Loss:
        """Return the loss of the branch.

        Args:
            trunk: the pyramid.
            rois: proposals that are matched with an object, ``(N, 5)``.
            details: of each proposal's object; see :class:`~.detector.Targets`.
            labels: its class, ``(N,)`` from 0.
        """

    @abstractmethod
    def look(self, trunk: Sequence[Tensor], rois: Tensor, labels: Tensor) -> Tensor:
        """Return what the branch finds in boxes.

        Args:
            trunk: the pyramid.
            rois: ``(N, 5)``.
            labels: class of each, ``(N,)`` from 0.
        """

    def region_losses(self, trunk: Sequence[Tensor], proposed: Sequence[Tensor], targets: Targets) -> dict[str, Loss]:
        """Return the losses of head and branch; see :meth:`RegionDetector.region_losses`."""
        sampled = self.sample(proposed, targets)
        losses = self.box_losses(trunk, sampled, targets)
        assert targets.details is not None
        details = [each for of_image in targets.details for each in of_image]
        matched = torch.nonzero(sampled.positive)[:, 0]
        objects = sampled.regions[matched]
        branch = self.branch_loss(
            trunk,
            as_rois(sampled.boxes)[matched],
            [details[place] for place in objects.tolist()],
            torch.cat(targets.labels)[objects],
        )
        return {**losses, self.finds: branch}
