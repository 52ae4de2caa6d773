"""What holds for every detector, whatever paper it is of."""

from __future__ import annotations

import dataclasses
from typing import Any

import onnxruntime
import pytest
import torch
from ten_pictures import CHANNELS, CLASSES, POINTS, SIDE, details, maps, pixels, targets

from seetell.errors import RecipeError
from seetell.metrics.detection import Detection, detection_average_precision
from seetell.nn.backbones import Encoder, Features
from seetell.nn.onnx_graph import onnx_graph
from seetell.nn.roi_pooling import as_rois
from seetell.tasks.detection.models import DETECTORS, create_detector
from seetell.tasks.detection.models.branches import BranchedRCNN
from seetell.tasks.detection.models.detector import DetectorNetwork, DetectorSpec, OneStageDetector, Targets
from seetell.tasks.detection.models.regions import RegionDetector
from seetell.tasks.detection.train import detections

SMALL = {"width": 32, "hidden": 48, "cells": 3, "parts": 3, "dropout": 0.0, "stride": 8, "extra_maps": 0} | {
    "middle": 8,
    "grid_width": 4,
    "grid_cells": 7,
    "side": 24,
    "mask_width": 16,
    "point_width": 16,
    "point_convolutions": 2,
}
"""What is set where a detector has it."""


class Colours(Encoder):
    """An encoder that says how much there is of each colour in each of 6 × 6 parts of an image."""

    channels = 108

    def forward(self, images: torch.Tensor) -> Features:
        return Features(torch.nn.functional.adaptive_avg_pool2d(images, 6).flatten(1), None)


def small(model: str) -> DetectorNetwork:
    """Make a detector for the ten pictures, the same each time."""
    config = DETECTORS[model][0]
    known = {field.name for field in dataclasses.fields(config)}
    options: dict[str, Any] = {name: value for name, value in SMALL.items() if name in known}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        spec = DetectorSpec(CHANNELS, (SIDE, SIDE), len(CLASSES), Colours(), POINTS)
        detector = create_detector(model, config(**options), spec)
    detector.fit(read_by(detector))
    return detector


def read_by(detector: DetectorNetwork) -> list[torch.Tensor]:
    if detector.reads_pixels:
        return [pixels()]
    return [maps()[stride] for stride in detector.strides]


def learnt_by(detector: DetectorNetwork) -> Targets:
    return Targets(*targets(), details(detector.finds))


def given_to(detector: DetectorNetwork) -> list[torch.Tensor] | None:
    """Return proposals for a detector that they are given to: boxes at every place, and some beside them."""
    if not detector.proposals_given:
        return None
    random = torch.Generator().manual_seed(0)
    corners = torch.rand(60, 2, generator=random) * 40
    beside = torch.cat([corners, corners + 12 + torch.rand(60, 2, generator=random) * 20], dim=1).clamp(max=SIDE)
    return [torch.cat([boxes + 1.0, beside]) for boxes in targets()[0]]


@pytest.mark.parametrize("model", DETECTORS)
def test_every_parameter_gets_a_gradient(model):
    detector = small(model)
    torch.manual_seed(0)
    losses = detector.losses(read_by(detector), learnt_by(detector), given_to(detector))
    assert all(count >= 1 for _, count in losses.values())
    torch.stack([mean for mean, _ in losses.values()]).sum().backward()
    for name, parameter in detector.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("model", DETECTORS)
def test_pictures_without_an_object_have_finite_losses_and_gradients(model):
    detector = small(model)
    torch.manual_seed(0)
    nothing = Targets([torch.zeros(0, 4)] * 10, [torch.zeros(0, dtype=torch.int64)] * 10, [torch.zeros(0)] * 10)
    losses = detector.losses(read_by(detector), nothing, given_to(detector))
    total = torch.stack([mean for mean, _ in losses.values()]).sum()
    total.backward()
    assert torch.isfinite(total)


@pytest.mark.parametrize("model", DETECTORS)
def test_candidates_lie_in_the_image(model):
    detector = small(model).eval()
    with torch.inference_mode():
        found = detector.detect(read_by(detector), given_to(detector))
    assert len(found) == 10
    for scores, boxes in found:
        assert scores.shape[1] == len(CLASSES)
        assert boxes.shape in ((len(scores), 4), (len(scores), len(CLASSES), 4))
        assert 0 <= scores.min() <= scores.max() <= 1
        assert 0 <= boxes.min() <= boxes.max() <= SIDE
    assert isinstance(detector, OneStageDetector | RegionDetector)


@pytest.mark.nightly
@pytest.mark.parametrize("model", DETECTORS)
def test_learns_ten_pictures_by_heart(model):
    detector = small(model)
    optimiser = torch.optim.Adam(detector.parameters(), 5e-3)
    torch.manual_seed(0)
    for _ in range(120):
        optimiser.zero_grad()
        losses = detector.losses(read_by(detector), learnt_by(detector), given_to(detector))
        torch.stack([mean for mean, _ in losses.values()]).sum().backward()
        optimiser.step()
    detector.eval()
    with torch.inference_mode():
        found = detector.detect(read_by(detector), given_to(detector))
    truth = {
        number: [
            Detection(CLASSES[label], tuple(box)) for label, box in zip(labels.tolist(), boxes.tolist(), strict=True)
        ]
        for number, (boxes, labels) in enumerate(zip(*targets(), strict=True))
    }
    told = {number: detections(each, CLASSES, nms_iou=0.5) for number, each in enumerate(found)}
    assert detection_average_precision(truth, told).ap50 > (0.8 if model == "rcnn" else 0.95)  # linear machines


class Parts(torch.nn.Module):
    """What a bundle computes of a detector, in one of its graphs, from the encoder's maps on."""

    def __init__(self, detector: DetectorNetwork) -> None:
        super().__init__()
        self.detector = detector


class First(Parts):
    def forward(self, *maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if isinstance(self.detector, OneStageDetector):
            return self.detector(maps)
        trunk = self.detector.trunk(maps)
        proposals = self.detector.proposals
        return (*trunk, *(() if proposals is None else proposals.candidates(self.detector.proposal_maps(trunk))))


class Second(Parts):
    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.detector.classify(given[:-1], given[-1])


class Third(Parts):
    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.detector.look(given[:-2], *given[-2:]),)


def assert_same_in_onnx(module: torch.nn.Module, small: list[torch.Tensor], large: list[torch.Tensor], axes) -> None:
    """Export with some arguments, and compare with torch on others."""
    names = [f"given_{number}" for number in range(len(small))]
    with torch.inference_mode():
        expected = module(*large)
    outputs = [f"output_{number}" for number in range(len(expected))]
    graph = onnx_graph(module, tuple(small), inputs=names, outputs=outputs, dynamic_shapes=(tuple(axes),))
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(outputs, {name: value.numpy() for name, value in zip(names, large, strict=True)})
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(one), other, rtol=1e-3, atol=1e-3)


@pytest.mark.nightly
@pytest.mark.parametrize("model", [name for name in DETECTORS if name != "rcnn"])  # whose encoder is a part of it
def test_onnx_computes_what_torch_does(model, one_registry):
    detector = small(model).eval()
    maps_of_all, photos = read_by(detector), {0: torch.export.Dim("photos", min=1)}
    assert_same_in_onnx(First(detector), [each[:2] for each in maps_of_all], maps_of_all, [photos] * len(maps_of_all))
    if isinstance(detector, RegionDetector):
        with torch.inference_mode():
            trunk = [each.clone() for each in detector.trunk(maps_of_all)]
        boxes = as_rois(targets()[0])
        axes = [*([photos] * len(trunk)), {0: torch.export.Dim("rois", min=1)}]
        assert_same_in_onnx(Second(detector), [*(each[:4] for each in trunk), boxes[:5]], [*trunk, boxes], axes)
    if isinstance(detector, BranchedRCNN):
        classes, count = torch.cat(targets()[1]), {0: torch.export.Dim("rois", min=1)}
        few = [*(each[:4] for each in trunk), boxes[:5], classes[:5]]
        assert_same_in_onnx(Third(detector), few, [*trunk, boxes, classes], [*([photos] * len(trunk)), count, count])


def test_a_detector_that_is_not_there_and_maps_that_are_not():
    with pytest.raises(RecipeError, match="Did you mean 'ssd'"):
        create_detector("sdd", None, DetectorSpec(CHANNELS, (SIDE, SIDE), 3))
    with pytest.raises(RecipeError, match="expected strides of the encoder's maps"):
        create_detector("ssd", DETECTORS["ssd"][0](strides=(4, 8)), DetectorSpec(CHANNELS, (SIDE, SIDE), 3))
