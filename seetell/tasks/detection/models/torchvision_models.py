"""The detectors of torchvision by their own names, such as ``torchvision:fasterrcnn_resnet50_fpn``.

Networks, losses and weights are torchvision's: Faster R-CNN on a feature pyramid, RetinaNet, FCOS, SSD and SSDlite.
Each has a backbone of its own, so that the encoder of a recipe only says how photos are resized. Weights are those of
its backbone by ImageNet, or of the whole by COCO, which torchvision fetches or finds in its cache; layers of other
classes begin anew. Departures in prediction: proposals compete over all maps at once, not a thousand a map; of all
candidates of a class the best are chosen at once, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torchvision.models import get_model_builder, get_model_weights
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from seetell.config import check_not_negative
from seetell.errors import RecipeError, unknown
from seetell.nn.box_coding import decode_boxes
from seetell.nn.box_head import Loss
from seetell.nn.region_proposals import ProposalConfig
from seetell.nn.roi_pooling import PyramidRoIAlign
from seetell.tasks.detection.models.detector import DetectorNetwork, DetectorSpec, OneStageDetector, Targets
from seetell.tasks.detection.models.regions import RegionDetector

PREFIX = "torchvision:"
ONE_STAGE = (
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
)
STRIDES = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": (32,),
    "fasterrcnn_mobilenet_v3_large_fpn": (32,),
    "fasterrcnn_resnet50_fpn": (4, 8, 16, 32),
    "fasterrcnn_resnet50_fpn_v2": (4, 8, 16, 32),
}
"""Of the maps that boxes are pooled from, by the name of each Faster R-CNN."""

SIDES = {"ssd300_vgg16": 300, "ssdlite320_mobilenet_v3_large": 320}
"""Pixels of the input, of those that read one size."""

PROPOSED = ProposalConfig(pre_nms_top_n=2000, post_nms_top_n_test=300)


@dataclass(frozen=True)
class TorchvisionConfig:
    """Settings of a detector of torchvision.

    Attributes:
        weights: ``imagenet`` for those of its backbone, ``coco`` for those of the whole detector, or ``none``.
        trainable_layers: of the backbone, counted from its end, that are trained; all with ``none``.
    """

    weights: Literal["imagenet", "coco", "none"] = "imagenet"
    trainable_layers: int = 3

    def __post_init__(self) -> None:
        check_not_negative(self, "trainable_layers")


def is_torchvision(model: str) -> bool:
    """Tell whether a detector is named as one of torchvision.

    Raises:
        RecipeError: it is, but there is no such.
    """
    if not model.startswith(PREFIX):
        return False
    name = model.removeprefix(PREFIX)
    if name.startswith(("maskrcnn", "keypointrcnn")):
        own = "mask_rcnn" if name.startswith("maskrcnn") else "keypoint_rcnn"
        raise RecipeError(f"model: {name} of torchvision is not trained here; take {own}, the same on any encoder")
    if name not in (*ONE_STAGE, *STRIDES):
        raise RecipeError(f"model: {unknown('detector of torchvision', name, [*ONE_STAGE, *STRIDES])}")
    return True


def torchvision_type(model: str) -> type[DetectorNetwork]:
    """Return the class of a detector of torchvision by its name with the prefix."""
    return TorchvisionOneStage if model.removeprefix(PREFIX) in ONE_STAGE else TorchvisionFasterRCNN


class _Torchvision(DetectorNetwork):
    """What they have in common: pixels are read, and losses are the network's own.

    Args:
        name: torchvision's, without the prefix.
        config: its settings.
        spec: encoder and classes.

    Raises:
        RecipeError: torchvision cannot get the weights, or the photos' size is not the one that the network reads.
    """

    reads_pixels: ClassVar[bool] = True

    def __init__(self, name: str, config: TorchvisionConfig, spec: DetectorSpec) -> None:
        super().__init__()
        assert spec.encoder is not None
        self.strides, self.image_size, self.classes = (), spec.image_size, spec.classes
        side = SIDES.get(name)
        if side is not None and spec.image_size != (side, side):
            raise RecipeError(f"encoder.image_size: {name} reads {side} × {side} pixels; set {side}")
        self.net = _create(name, config, spec.classes)
        own, given = self.net.transform, spec.encoder.preprocessing
        scale, shift = (torch.tensor(each) / 255 for each in (given.std, given.mean))
        mean, std = torch.tensor(own.image_mean), torch.tensor(own.image_std)
        self.register_buffer("scale", (scale / std)[:, None, None], persistent=False)
        self.register_buffer("shift", ((shift - mean) / std)[:, None, None], persistent=False)
        height, width = spec.image_size
        self.net.transform = GeneralizedRCNNTransform(
            min(height, width), max(height, width), [0.0] * 3, [1.0] * 3, size_divisible=1, fixed_size=(width, height)
        )

    scale: Tensor
    shift: Tensor

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Do nothing: the network normalises by itself."""

    def pixels(self, maps: Sequence[Tensor]) -> Tensor:
        """Return images ``(B, 3, H, W)`` on the scale of the network's backbone."""
        return maps[0] * self.scale + self.shift

    def levels(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the maps ``(B, C, h, w)`` that the backbone makes of images."""
        return list(self.net.backbone(self.pixels(maps)).values())

    def image_list(self, maps: Sequence[Tensor]) -> ImageList:
        """Return what anchor generators want to know of the images."""
        count = len(maps[0])
        return ImageList(maps[0].new_zeros((count, 3, *self.image_size)), [self.image_size] * count)

    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return the network's losses, taken as means over images; see :meth:`DetectorNetwork.losses`."""
        described = [
            {"boxes": boxes, "labels": labels + 1} for boxes, labels in zip(targets.boxes, targets.labels, strict=True)
        ]
        losses = self.net([*self.pixels(maps)], described)
        return {name.removeprefix("loss_"): (loss, len(described)) for name, loss in losses.items()}


class TorchvisionOneStage(_Torchvision, OneStageDetector):
    """FCOS, RetinaNet, SSD or SSDlite."""

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return scores and boxes; see :meth:`OneStageDetector.forward`."""
        levels = self.levels(maps)
        outputs = self.net.head(levels)
        anchors = self.net.anchor_generator(self.image_list([each[:1] for each in maps]), [each[:1] for each in levels])
        logits, offsets, (boxes,) = outputs["cls_logits"], outputs["bbox_regression"], anchors
        if "bbox_ctrness" in outputs:
            scores = (torch.sigmoid(logits) * torch.sigmoid(outputs["bbox_ctrness"])).sqrt()
            sides, centres = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2), (boxes[:, :2] + boxes[:, 2:]).repeat(1, 2) / 2
            height, width = self.image_size
            edges = centres + offsets * sides * offsets.new_tensor([-1, -1, 1, 1])
            return scores[..., 1:], torch.minimum(edges.clamp(min=0), edges.new_tensor([width, height] * 2))
        scores = torch.softmax(logits, dim=-1) if isinstance(self.net, SSD) else torch.sigmoid(logits)
        moved = decode_boxes(boxes, offsets, image_size=self.image_size, scales=self.net.box_coder.weights)
        return scores[..., 1:], moved


class Proposals:
    """The proposal network of a Faster R-CNN of torchvision, as :class:`~.regions.RegionDetector` asks for proposals.

    Args:
        detector: whose it is.
    """

    config = PROPOSED

    def __init__(self, detector: TorchvisionFasterRCNN) -> None:
        self._detector = detector

    def candidates(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return all anchors moved and clipped to the image, ``(B, A, 4)``, and their logits ``(B, A)``."""
        rpn = self._detector.net.rpn
        logits, deltas = rpn.head(list(maps))
        first = [each[:1] for each in maps]
        (anchors,) = rpn.anchor_generator(self._detector.image_list(first), first)
        moves = [each.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 4)) for each in deltas]
        boxes = decode_boxes(anchors, torch.cat(moves, dim=1), image_size=self._detector.image_size)
        return boxes, torch.cat([each.permute(0, 2, 3, 1).flatten(1) for each in logits], dim=1)


class TorchvisionFasterRCNN(_Torchvision, RegionDetector):
    """Faster R-CNN on a feature pyramid."""

    def __init__(self, name: str, config: TorchvisionConfig, spec: DetectorSpec) -> None:
        super().__init__(name, config, spec)
        self.proposals = Proposals(self)  # type: ignore[assignment]  # which is asked in prediction alone
        self.pool = PyramidRoIAlign(7, STRIDES[name], canonical_size=28 * STRIDES[name][0])  # 224 pixels at stride 16

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the pyramid and what the proposal network reads beside it."""
        return self.levels(maps)

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Pool and classify; see :meth:`RegionDetector.head_outputs`."""
        heads = self.net.roi_heads
        logits, deltas = heads.box_predictor(heads.box_head(self.pool(trunk[: len(self.pool.strides)], rois)))
        return logits, deltas.unflatten(1, (-1, 4))[:, 1:]


def _create(name: str, config: TorchvisionConfig, classes: int) -> Any:
    """Make a network, the background being class 0."""
    settings: dict[str, Any] = {"weights_backbone": "DEFAULT" if config.weights == "imagenet" else None}
    if config.weights != "none":
        settings["trainable_backbone_layers"] = config.trainable_layers
    try:
        if config.weights == "coco":
            known = get_model_weights(name).DEFAULT.get_state_dict(progress=False, check_hash=True)
        net = get_model_builder(name)(weights=None, num_classes=classes + 1, **settings)
    except (RuntimeError, ValueError, OSError) as error:
        raise RecipeError(f"options: torchvision could not make {name!r}: {error}") from error
    if config.weights == "coco":
        own = net.state_dict()
        net.load_state_dict({**own, **{key: each for key, each in known.items() if own[key].shape == each.shape}})
    return net
