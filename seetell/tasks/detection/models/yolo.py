"""YOLO: the image divided into a grid, each cell predicting boxes and one class.

Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", CVPR 2016. Of ``S × S`` cells that which an
object's centre falls into is responsible for it. A cell predicts ``B`` boxes, each with centre in the cell, the roots
of its sides as shares of the image, and a confidence, ``Pr(object) · IoU``; and ``C`` class probabilities. The loss
(equation 3) is a sum of squares: of the centres and the roots of the sides of the responsible boxes, with
``λ_coord = 5``; of the confidences, whose targets are their overlaps, and 0 elsewhere with ``λ_noobj = 0.5``; and of
the classes of cells with an object. Of a cell's boxes the one that overlaps the object most is responsible. A box's
score for a class is the class's probability times its confidence. In print: ``S = 7``, ``B = 2``, a network of 24
convolutions at 448 pixels, a layer of 4,096 and dropout of 0.5. Departures: the convolutions are an encoder's, whose
last map is brought to ``S × S`` cells; sides are predicted through a softplus, so that none is negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_probabilities, check_sizes
from seetell.nn.box_head import Loss
from seetell.tasks.detection.models.detector import (
    DetectorSpec,
    OneStageDetector,
    StandardisedMaps,
    Targets,
    convolution,
)


@dataclass(frozen=True)
class YOLOConfig:
    """Sizes and weights of YOLO.

    Attributes:
        stride: of the encoder's map, in pixels of its input.
        grid: ``S``, cells across and down.
        boxes: ``B``, of a cell.
        width: channels of the convolution behind the map.
        hidden: width of the fully connected layer.
        dropout: probability of zeroing one of its elements in training.
        box_weight: ``λ_coord``.
        background_weight: ``λ_noobj``.
    """

    stride: int = 32
    grid: int = 7
    boxes: int = 2
    width: int = 128
    hidden: int = 1024
    dropout: float = 0.5
    box_weight: float = 5.0
    background_weight: float = 0.5

    def __post_init__(self) -> None:
        check_sizes(self, "grid", "boxes", "width", "hidden")
        check_probabilities(self, "dropout")
        check_not_negative(self, "box_weight", "background_weight")


class YOLO(OneStageDetector):
    """One fully connected layer reads the whole map, the last one predicts all cells.

    Args:
        config: sizes and weights.
        spec: encoder and classes.
    """

    def __init__(self, config: YOLOConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.config, self.classes, self.strides = config, spec.classes, (config.stride,)
        self.image_size = spec.image_size
        channels = spec.read(self.strides)
        self.norm = StandardisedMaps(channels)
        self.reduce = convolution(channels[config.stride], config.width)
        cells = config.grid**2
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(cells * config.width, config.hidden),
            nn.LeakyReLU(0.1),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, cells * (5 * config.boxes + spec.classes)),
        )

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.norm.fit(maps)

    def outputs(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return boxes ``(B, S, S, B, 5)``: centre in the cell, roots of sides, confidence; and classes ``(…, C)``."""
        config = self.config
        activation = self.reduce(self.norm(maps)[0])
        side = config.grid
        cells = F.interpolate(activation, size=(side, side), mode="bilinear", align_corners=True)
        rows = self.layers(cells).reshape(-1, side, side, 5 * config.boxes + self.classes)
        boxes = rows[..., : 5 * config.boxes].reshape(-1, side, side, config.boxes, 5)
        roots = F.softplus(boxes[..., 2:4])
        return torch.cat([boxes[..., :2], roots, boxes[..., 4:]], dim=-1), rows[..., 5 * config.boxes :]

    def _normalised(self, boxes: Tensor) -> Tensor:
        """Return boxes ``(B, S, S, B, 5)`` as ``xyxy`` normalised to [0, 1], ``(B, S, S, B, 4)``."""
        side = self.config.grid
        places = torch.arange(side, device=boxes.device, dtype=boxes.dtype)
        corner = torch.stack(torch.meshgrid(places, places, indexing="ij")[::-1], dim=-1)[:, :, None]  # (S, S, 1, 2)
        centre, half = (boxes[..., :2] + corner) / side, boxes[..., 2:4].square() / 2
        return torch.cat([centre - half, centre + half], dim=-1)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return scores and boxes; see :meth:`OneStageDetector.forward`."""
        boxes, classes = self.outputs(maps)
        height, width = self.image_size
        shares = self._normalised(boxes).flatten(1, 3).clamp(0, 1)
        scores = (classes[..., None, :] * boxes[..., 4:]).clamp(0, 1)
        return scores.flatten(1, 3), shares * shares.new_tensor([width, height, width, height])

    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return the four parts of equation 3, each a mean over images; see :meth:`DetectorNetwork.losses`."""
        config = self.config
        boxes, classes = self.outputs(maps)
        count, side = len(boxes), config.grid
        photo, row, column, true, label = self._assigned(targets, boxes)
        predicted = boxes[photo, row, column]  # (G, B, 5)
        overlap = _iou(self._normalised(boxes)[photo, row, column].detach(), true[:, None])  # (G, B)
        responsible = overlap.argmax(dim=1) if len(overlap) else photo
        chosen = predicted[torch.arange(len(photo), device=photo.device), responsible]  # (G, 5)
        wanted_sides = (true[:, 2:] - true[:, :2]).sqrt()
        centre = (true[:, :2] + true[:, 2:]) / 2 * side - torch.stack([column, row], dim=1)
        position = (chosen[:, :2] - centre).square().sum() + (chosen[:, 2:4] - wanted_sides).square().sum()
        wanted = torch.zeros_like(boxes[..., 4])
        weight = torch.full_like(wanted, config.background_weight)
        wanted[photo, row, column, responsible] = overlap.max(dim=1).values if len(overlap) else overlap[:, 0]
        weight[photo, row, column, responsible] = 1.0
        confidence = (weight * (boxes[..., 4] - wanted).square()).sum()
        one_hot = F.one_hot(label, self.classes).to(classes.dtype)
        classification = (classes[photo, row, column] - one_hot).square().sum()
        return {
            "box": (config.box_weight * position / count, count),
            "confidence": (confidence / count, count),
            "classification": (classification / count, count),
        }

    def _assigned(self, targets: Targets, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return image, row, column, normalised box ``(G, 4)`` and class of each object; of a cell's, the first."""
        height, width = self.image_size
        owners = torch.cat([torch.full((len(each),), number) for number, each in enumerate(targets.boxes)])
        true = torch.cat(targets.boxes) / boxes.new_tensor([width, height, width, height])
        centre = (true[:, :2] + true[:, 2:]) / 2
        place = (centre * self.config.grid).long().clamp(0, self.config.grid - 1)
        cell = (owners.to(place.device) * self.config.grid + place[:, 1]) * self.config.grid + place[:, 0]
        numbers: dict[int, int] = {}
        for number, one in enumerate(cell.tolist()):
            numbers.setdefault(one, number)
        first = torch.tensor([*numbers.values()], dtype=torch.int64, device=place.device)
        label = torch.cat(targets.labels)
        return owners.to(place.device)[first], place[first, 1], place[first, 0], true[first], label[first]


def _iou(one: Tensor, other: Tensor) -> Tensor:
    """Return the overlaps of boxes ``(…, 4)``, whose leading axes broadcast."""
    sides = (torch.minimum(one[..., 2:], other[..., 2:]) - torch.maximum(one[..., :2], other[..., :2])).clamp(min=0)
    shared = sides.prod(dim=-1)
    areas = [(each[..., 2:] - each[..., :2]).prod(dim=-1) for each in (one, other)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-9)
