"""The box head of Fast R-CNN: pooled cells of boxes → a class and, for each class, where the box should be.

Girshick, "Fast R-CNN", ICCV 2015, section 2: fully connected layers, then a softmax over the background and ``K``
classes and ``K`` box regressions; the loss is ``−log p_u + λ [u ≥ 1] Σ smooth_L1(t^u − v)`` (equations 1 to 3), with
``λ = 1``. Class 0 is the background.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.nn.box_coding import ROI_SCALES, decode_boxes, encode_boxes

Loss = tuple[Tensor, int]
"""A mean, and over how many it is taken."""


class BoxHead(nn.Module):
    """Two fully connected layers, class logits and box deltas.

    Args:
        inputs: number of values pooled per box.
        hidden: width of the layers.
        classes: ``K``, without the background.
        class_agnostic: one box regression for all classes.
        dropout: probability of zeroing an element behind each layer in training.
    """

    def __init__(
        self, inputs: int, hidden: int, *, classes: int, class_agnostic: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = fully_connected(inputs, hidden, dropout=dropout)
        self.predictor = BoxPredictor(hidden, classes=classes, class_agnostic=class_agnostic)

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits ``(N, K + 1)`` and deltas ``(N, K, 4)`` or ``(N, 1, 4)`` of pooled boxes ``(N, …)``."""
        outputs: tuple[Tensor, Tensor] = self.predictor(self.layers(cells))
        return outputs


def fully_connected(inputs: int, hidden: int, *, dropout: float) -> nn.Sequential:
    """Return two layers for pooled cells ``(N, …)`` of ``inputs`` values, each with ReLU and dropout."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
    )


class BoxPredictor(nn.Module):
    """The last two linear layers.

    Args:
        inputs: length of a box's vector.
        classes: ``K``, without the background.
        class_agnostic: one box regression for all classes.
    """

    def __init__(self, inputs: int, *, classes: int, class_agnostic: bool = False) -> None:
        super().__init__()
        self.classification = nn.Linear(inputs, classes + 1)
        self.regression = nn.Linear(inputs, 4 * (1 if class_agnostic else classes))
        nn.init.normal_(self.classification.weight, std=0.01)
        nn.init.normal_(self.regression.weight, std=0.001)
        for layer in (self.classification, self.regression):
            nn.init.zeros_(layer.bias)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits ``(N, K + 1)`` and deltas ``(N, K, 4)`` or ``(N, 1, 4)`` of vectors ``(N, inputs)``."""
        return self.classification(codes), self.regression(codes).unflatten(1, (-1, 4))


def box_losses(
    logits: Tensor, deltas: Tensor, labels: Tensor, boxes: Tensor, targets: Tensor, *, scale: float = 1.0
) -> dict[str, Loss]:
    """Return the losses of ``N`` sampled boxes, both means over all of them.

    Args:
        logits: ``(N, K + 1)``.
        deltas: ``(N, K, 4)``, or ``(N, 1, 4)`` for all classes alike.
        labels: true classes ``(N,)``, 0 for the background.
        boxes: ``(N, 4)``.
        targets: the region that each positive box is matched with, ``(N, 4)``; read where a label is above 0.
        scale: on the deltas, beside :data:`~seetell.nn.box_coding.ROI_SCALES`.
    """
    positive = torch.nonzero(labels > 0)[:, 0]
    of_class = labels[positive] - 1 if deltas.shape[1] > 1 else torch.zeros_like(positive)
    scales = [scale * each for each in ROI_SCALES]
    wanted = encode_boxes(boxes[positive], targets[positive], scales=scales)
    box = F.smooth_l1_loss(deltas[positive, of_class], wanted, beta=1.0, reduction="sum") / max(len(labels), 1)
    return {"classification": (F.cross_entropy(logits, labels), len(labels)), "box": (box, len(labels))}


def final_boxes(
    logits: Tensor, deltas: Tensor, boxes: Tensor, *, image_size: tuple[int, int], scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return scores ``(N, K)`` and moved boxes: ``(N, K, 4)``, or ``(N, 4)`` for all classes alike.

    For the arguments see :func:`box_losses` and :func:`~seetell.nn.box_coding.decode_boxes`.
    """
    scales = [scale * each for each in ROI_SCALES]
    moved = decode_boxes(boxes[:, None], deltas, image_size=image_size, scales=scales)
    return torch.softmax(logits, dim=1)[:, 1:], moved[:, 0] if deltas.shape[1] == 1 else moved
