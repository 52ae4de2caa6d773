"""What papers have in print: in their sizes, detectors have as many weights, anchors, maps and cells."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from seetell.nn.backbones import Encoder, Features
from seetell.nn.region_proposals import ProposalConfig
from seetell.tasks.detection.models import DETECTORS, create_detector
from seetell.tasks.detection.models.detector import DetectorSpec

VOC, COCO = 20, 80
RESNET = {4: 256, 8: 512, 16: 1024, 32: 2048}
PYRAMID = {"strides": (4, 8, 16, 32), "width": 256, "hidden": 1024}


def published(
    model: str, channels: dict[int, int], *, side: tuple[int, int] = (600, 1000), classes: int = VOC, **sizes: Any
) -> Any:
    """Make a detector whose weights take no memory."""
    with torch.device("meta"):
        return create_detector(model, DETECTORS[model][0](**sizes), DetectorSpec(channels, side, classes))


def weights(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def maps(side: tuple[int, int], strides: list[int]) -> list[torch.Tensor]:
    return [torch.zeros(1, 1, -(-side[0] // stride), -(-side[1] // stride)) for stride in strides]


def test_rcnn_shows_16_of_227_pixels_around_a_box():
    class Nothing(Encoder):
        channels = 4096

        def forward(self, images: torch.Tensor) -> Features:
            return Features(torch.zeros(len(images), 4096), None)

    config = DETECTORS["rcnn"][0](side=227)
    detector: Any = create_detector("rcnn", config, DetectorSpec({}, (500, 500), VOC, Nothing()))
    assert detector.svms.weight.shape == (20, 4096)
    image = torch.zeros(1, 3, 500, 500)
    image[..., 100:300, 200:250] = 1.0
    (crop,) = detector.warped(image, torch.tensor([[0.0, 200, 100, 250, 300]]))
    rows, columns = ((crop[0] > 0.5).any(dim=axis).nonzero()[:, 0] for axis in (1, 0))
    for inside in (rows, columns):  # whatever its shape
        assert (inside.min().item(), inside.max().item()) == (16, 210)


def test_the_pyramid_of_spp_net_has_50_bins_and_12800_values():
    detector = published("sppnet", {16: 256}, pyramid=(6, 3, 2, 1), hidden=4096)
    assert detector.head.layers[1].weight.shape == (4096, 12_800)


def test_fast_rcnns_layers_are_those_of_vgg_16():
    detector = published("fast_rcnn", {16: 512}, width=512, hidden=4096)
    assert weights(detector.head.layers) == 119_545_856  # 7 × 7 × 512 → 4,096 → 4,096
    assert detector.head.predictor.classification.out_features == 21


def test_faster_rcnn_has_nine_anchors_a_cell_and_some_20000_a_photo():
    side = (600, 1000)
    proposals = ProposalConfig(anchor_sizes=(128, 256, 512), hidden_channels=512)
    detector = published("faster_rcnn", {16: 512}, width=512, hidden=4096, proposals=proposals)
    head = detector.proposals.network.head
    assert weights(head.bbox_pred) + weights(head.cls_logits) == (512 + 1) * (4 + 1) * 9  # two scores in print
    small: Any = create_detector(
        "faster_rcnn",
        DETECTORS["faster_rcnn"][0](width=4, hidden=4, proposals=proposals),
        DetectorSpec({16: 3}, side, VOC),
    )
    assert len(small.proposals.all_anchors(maps(side, [16]))) == 38 * 63 * 9 == 21_546


def test_fpn_pools_a_box_of_224_pixels_from_the_map_of_stride_16_and_has_1024_hidden():
    detector = published("fpn", RESNET, canonical_box_size=112, proposals=pyramid_proposals(), **PYRAMID)
    assert weights(detector.head.layers) == (256 * 49 + 1) * 1024 + (1024 + 1) * 1024
    boxes = torch.tensor([[0.0, 0, 0, side, side] for side in (60, 112, 223, 224, 447, 448)])
    # strides 4 to 32: ⌊4 + log₂(side / 224)⌋ − 2
    assert detector.pool.level(boxes).tolist() == [0, 1, 1, 2, 2, 3]


def pyramid_proposals() -> ProposalConfig:
    return ProposalConfig(anchor_sizes=(32, 64, 128, 256), hidden_channels=256)


def test_rfcn_has_1029_score_maps_and_196_of_boxes():
    detector = published("rfcn", {16: 2048}, width=1024, parts=7)
    assert (detector.score_maps.out_channels, detector.box_maps.out_channels) == (49 * 21, 4 * 49)
    assert weights(detector.score_maps) == (1024 + 1) * 1029


def test_light_head_rcnn_has_490_thin_maps_and_a_layer_of_2048():
    detector = published("light_head_rcnn", {16: 2048}, middle=256, hidden=2048)
    first, second = detector.thin.left
    assert (first.kernel_size, second.kernel_size, second.out_channels) == ((15, 1), (1, 15), 490)
    assert weights(detector.thin) == 2 * ((15 * 2048 + 1) * 256 + (15 * 256 + 1) * 490)
    assert detector.layer[2].weight.shape == (2048, 490)


def test_cascade_rcnn_has_three_heads_of_rising_overlap():
    detector = published("cascade_rcnn", RESNET, proposals=pyramid_proposals(), **PYRAMID)
    assert [detector.sampling.positive_iou, *detector.later_ious] == [0.5, 0.6, 0.7]
    assert [head.predictor.regression.out_features for head in detector.heads] == [4, 4, 4]


def test_grid_rcnn_has_nine_points_in_maps_of_56_cells():
    detector = published(
        "grid_rcnn", RESNET, grid_convolutions=8, grid_width=64, proposals=pyramid_proposals(), **PYRAMID
    )
    assert detector.grid(torch.zeros(2, 256, 14, 14, device="meta")).shape == (2, 9, 56, 56)
    assert detector.grid.layers[7][0].weight.shape == (576, 576, 3, 3)


def test_ssd_300_has_8732_boxes():
    config = DETECTORS["ssd"][0](strides=(8, 16, 32), extra_maps=3, width=4)
    detector: Any = create_detector("ssd", config, DetectorSpec({8: 3, 16: 3, 32: 3}, (300, 300), VOC))
    boxes = detector.anchors.over([torch.zeros(1, 1, side, side) for side in (38, 19, 10, 5, 3, 1)])
    assert len(boxes) == 8732


def test_yolo_predicts_7_by_7_by_30_with_205_million_weights_before():
    detector = published("yolo", {32: 1024}, side=(448, 448), width=1024, hidden=4096)
    _, hidden, _, _, last = detector.layers
    assert weights(hidden) == 205_524_992
    assert last.out_features == 7 * 7 * 30


def test_retinanet_has_nine_anchors_a_cell_from_32_to_813_pixels_and_begins_sure_of_nothing():
    detector = published("retinanet", RESNET, width=256, extra_maps=2, anchor_size=4.0, classes=COCO)
    assert detector.head.classification_head.cls_logits.out_channels == 9 * 80
    assert weights(detector.head.regression_head.conv) == 4 * (256 * 9 + 1) * 256
    small: Any = create_detector(
        "retinanet",
        DETECTORS["retinanet"][0](width=4, extra_maps=2, anchor_size=4.0),
        DetectorSpec({8: 3, 16: 3, 32: 3}, (512, 512), COCO),
    )
    bias = small.head.classification_head.cls_logits.bias
    assert torch.sigmoid(bias).unique().tolist() == pytest.approx([0.01])
    anchors = small.anchors.over(maps((512, 512), small.levels.strides))
    sides = (anchors[:, 2:] - anchors[:, :2]).prod(dim=1).sqrt()
    assert (sides.min().item(), sides.max().item()) == pytest.approx((32, 512 * 2 ** (2 / 3)), rel=1e-3)


def test_fcos_has_a_ninth_of_retinanets_outputs():
    detector = published("fcos", RESNET, width=256, extra_maps=2, classes=COCO)
    regression = detector.head.regression_head
    layers = (detector.head.classification_head.cls_logits, regression.bbox_reg, regression.bbox_ctrness)
    assert [layer.out_channels for layer in layers] == [80, 4, 1]
    assert detector.levels.strides == [8, 16, 32, 64, 128]
