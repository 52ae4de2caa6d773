from __future__ import annotations

import pytest
import torch
from ten_pictures import CLASSES, SIDE, pixels, targets
from torchvision.models import get_model_weights

from seetell.errors import RecipeError
from seetell.metrics.detection import Detection, detection_average_precision
from seetell.nn.backbones import Encoder
from seetell.photos import Preprocessing
from seetell.tasks.detection.models import create_detector, network_type
from seetell.tasks.detection.models.detector import DetectorNetwork, DetectorSpec, Targets
from seetell.tasks.detection.models.torchvision_models import ONE_STAGE, PREFIX, SIDES, STRIDES, TorchvisionConfig
from seetell.tasks.detection.train import detections

SMALLEST = {"fasterrcnn_mobilenet_v3_large_fpn": (1e-3, 0.1), "ssdlite320_mobilenet_v3_large": (3e-3, 0.3)}
"""How the smallest of two and of one stage learn in few steps: learning rate and momentum of statistics."""
ROUND, ROUNDS = 40, 8
"""Steps between two measurements and the most of these: processors sum in different orders, so some need more steps."""


class OneOf255(Encoder):
    """Says that photos are on a scale from 0 to 1."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.preprocessing = Preprocessing(side, side, mean=(0.0,) * 3, std=(255.0,) * 3)


def detector_of(name: str, *, side: int, classes: int = len(CLASSES), device: str = "cpu") -> DetectorNetwork:
    torch.manual_seed(0)
    spec = DetectorSpec({}, (side, side), classes, OneOf255(side))
    with torch.device(device):
        return create_detector(PREFIX + name, TorchvisionConfig("none"), spec)


@pytest.mark.parametrize("name", [*ONE_STAGE, *STRIDES])
def test_parameters_are_as_many_as_torchvision_publishes(name):
    detector = detector_of(name, side=SIDES.get(name, 256), classes=90, device="meta")
    assert network_type(PREFIX + name) is type(detector)
    published = get_model_weights(name).DEFAULT.meta["num_params"]
    norms = [each for each in detector.net.backbone.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    frozen = sum(each.numel() for norm in norms for each in norm.parameters())  # with the weights, no parameters
    assert sum(each.numel() for each in detector.parameters()) in (published, published + frozen)


@pytest.mark.nightly
@pytest.mark.parametrize("name", [*ONE_STAGE, *STRIDES])
def test_candidates_are_those_that_torchvision_chooses_among(name):
    side = SIDES.get(name, 128)
    detector = detector_of(name, side=side).eval()
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    net = detector.net
    for part in (net, getattr(net, "roi_heads", net)):
        part.score_thresh, part.nms_thresh, part.detections_per_img = 0.0, 1.0, 10**6
        part.topk_candidates = 10**6
    with torch.inference_mode():
        found, theirs = detector.detect([images]), net([*detector.pixels([images])])
    for (scores, boxes), expected in zip(found, theirs, strict=True):
        best, label = divmod(int(scores.argmax()), scores.shape[1])
        chosen = boxes[best] if boxes.dim() == 2 else boxes[best, label]
        if name in ONE_STAGE:
            torch.testing.assert_close(scores.max(), expected["scores"].max(), rtol=1e-4, atol=1e-5)
        distances = (expected["boxes"] - chosen).abs().max(dim=1).values
        assert distances.min() < 0.05 * side


@pytest.mark.nightly
@pytest.mark.parametrize("name", SMALLEST)
def test_learns_ten_pictures_by_heart(name):
    rate, momentum = SMALLEST[name]
    side = SIDES.get(name, SIDE * 2)
    images = torch.nn.functional.interpolate(pixels(), size=(side, side))
    boxes, labels = targets()
    wanted = Targets([each * (side / SIDE) for each in boxes], labels)
    detector = detector_of(name, side=side)
    for layer in detector.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = momentum
    optimiser = torch.optim.Adam(detector.parameters(), rate)
    scores = [0.0]
    while max(scores) <= 0.7 and len(scores) <= ROUNDS:
        detector.train()
        for _ in range(ROUND):
            optimiser.zero_grad()
            torch.stack([mean for mean, _ in detector.losses([images], wanted).values()]).sum().backward()
            optimiser.step()
        scores.append(ap50(detector.eval(), images, wanted))
    assert max(scores) > 0.7, scores


def ap50(detector: DetectorNetwork, images: torch.Tensor, wanted: Targets) -> float:
    with torch.inference_mode():
        found = detector.detect([images])
    truth = {
        number: [
            Detection(CLASSES[label], tuple(box)) for label, box in zip(classes.tolist(), each.tolist(), strict=True)
        ]
        for number, (each, classes) in enumerate(zip(wanted.boxes, wanted.labels, strict=True))
    }
    told = {number: detections(each, CLASSES, nms_iou=0.5) for number, each in enumerate(found)}
    return detection_average_precision(truth, told).ap50


def test_mistakes_name_what_there_is():
    with pytest.raises(RecipeError, match="Did you mean 'ssd300_vgg16'"):
        network_type("torchvision:ssd300_vgg")
    with pytest.raises(RecipeError, match="take mask_rcnn"):
        network_type("torchvision:maskrcnn_resnet50_fpn")
    with pytest.raises(RecipeError, match="reads 320 × 320 pixels; set 320"):
        detector_of("ssdlite320_mobilenet_v3_large", side=256, device="meta")
