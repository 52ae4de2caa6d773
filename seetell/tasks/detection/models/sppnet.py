"""SPP-net: given proposals, pooled from one map at several resolutions; linear SVMs and box regression.

He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual Recognition", ECCV 2014, section 4: the
image goes through the convolutions once; each proposal of selective search is max-pooled from the last map to a pyramid
of 4 × 4, 2 × 2 and 1 × 1 cells (6 × 6 beside them in print), which two fully connected layers, tuned first, make a
vector of; then one linear SVM a class and one box regression a class. Objects are positive, and proposals that overlap
every object of the class by at most 0.3 are negative. Departures: tuning and SVMs are one stage, whose loss is the
squared hinge ``max(0, 1 − y f(x))²`` of each class, proposals that overlap an object by half are positive too, and a
score told is the logistic function of twice the SVM's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError
from seetell.nn.box_coding import ROI_SCALES, decode_boxes
from seetell.nn.box_head import BoxHead, Loss, box_losses
from seetell.nn.roi_head import SampledRoIs
from seetell.nn.roi_pooling import RoIPool, as_rois
from seetell.tasks.detection.models.detector import DetectorSpec, StandardisedMaps, Targets
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig, matched_objects


@dataclass(frozen=True)
class SPPNetConfig:
    """Sizes of an SPP-net.

    Attributes:
        stride: of the encoder's map, in pixels of its input.
        pyramid: rows and columns of cells at each of its levels.
        hidden: width of the two fully connected layers.
        dropout: probability of zeroing an element behind each in training.
        sampling: which proposals are learnt from.
    """

    stride: int = 16
    pyramid: tuple[int, ...] = (4, 2, 1)
    hidden: int = 512
    dropout: float = 0.0
    sampling: SamplingConfig = field(default_factory=lambda: SamplingConfig(negative_iou=(0.0, 0.3)))

    def __post_init__(self) -> None:
        check_sizes(self, "hidden")
        check_probabilities(self, "dropout")
        if not self.pyramid or min(self.pyramid) < 1:
            raise RecipeError(f"pyramid: expected positive numbers of cells, got {list(self.pyramid)}")


class SPPNet(RegionDetector):
    """A pyramid of cells per proposal of selective search, fully connected layers, SVMs and box regression.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    proposals_given = True

    def __init__(self, config: SPPNetConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.proposals = None
        self.image_size, self.sampling, self.strides = spec.image_size, config.sampling, (config.stride,)
        channels = spec.read(self.strides)
        self.norm = StandardisedMaps(channels)
        self.pools = nn.ModuleList(RoIPool(cells, config.stride) for cells in config.pyramid)
        inputs = channels[config.stride] * sum(cells**2 for cells in config.pyramid)
        self.head = BoxHead(inputs, config.hidden, classes=spec.classes, dropout=config.dropout)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.norm.fit(maps)

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the standardised map."""
        return self.norm(maps)  # type: ignore[no-any-return]

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return the SVMs' scores, that of the background not being used, and deltas."""
        cells = torch.cat([pool(trunk[0], rois).flatten(1) for pool in self.pools], dim=1)
        outputs: tuple[Tensor, Tensor] = self.head(cells)
        return outputs

    def box_losses(self, trunk: Sequence[Tensor], sampled: SampledRoIs, targets: Targets) -> dict[str, Loss]:
        """Return the squared hinge of all SVMs, and the loss of boxes."""
        scores, deltas = self.head_outputs(trunk, as_rois(sampled.boxes))
        labels, matched = matched_objects(sampled, targets)
        box = box_losses(scores, deltas, labels, torch.cat(sampled.boxes), matched)["box"]
        return {"svm": (squared_hinge(scores[:, 1:], labels), max(len(labels), 1)), "box": box}

    def classify(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores and a box for each class; see :meth:`RegionDetector.classify`."""
        scores, deltas = self.head_outputs(trunk, rois)
        moved = decode_boxes(rois[:, None, 1:], deltas, image_size=self.image_size, scales=ROI_SCALES)
        return torch.sigmoid(2 * scores[:, 1:]), moved


def squared_hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over boxes of the sum over classes of ``max(0, 1 − y f)²``.

    Args:
        scores: ``f`` of each box and class, ``(N, K)``.
        labels: ``(N,)``, 0 for the background; ``y`` is 1 for a box's class and −1 for all others.
    """
    sides = 2.0 * F.one_hot(labels, scores.shape[1] + 1)[:, 1:] - 1.0
    return (1 - sides * scores).clamp(min=0).square().sum(dim=1).sum() / max(len(labels), 1)
