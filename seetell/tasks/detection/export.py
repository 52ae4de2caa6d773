"""What the exporter writes of a trained detector: one graph, or two with non-maximum suppression between them.

A detector in one stage is the graph ``detector``. One that looks closer at proposals is the graph ``proposals``, from
images to what all boxes share and the moved anchors, or ``trunk``, where the proposals are selective search's; and
``regions``, from that and proposals to scores and boxes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from seetell.data.objects import read_objects
from seetell.export.declaration import Declaration, Examples, GraphSpec
from seetell.nn.backbones import Encoder
from seetell.nn.roi_pooling import as_rois
from seetell.tasks.detection.models.branches import BranchedRCNN
from seetell.tasks.detection.models.detector import DetectorNetwork, OneStageDetector
from seetell.tasks.detection.models.regions import RegionDetector
from seetell.training.trained import Trained

COMPARED = 8
"""Images that graphs are compared with torch on."""


class _Graph(nn.Module):
    """An encoder with a detector on its maps."""

    def __init__(self, encoder: Encoder, detector: DetectorNetwork) -> None:
        super().__init__()
        self.encoder, self.detector = encoder, detector
        size = encoder.preprocessing
        self.register_buffer("size", torch.tensor([size.width, size.height] * 2).float(), persistent=False)

    size: Tensor

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps that the detector reads, of ``images (B, 3, H, W)``; or these, if it reads pixels."""
        if self.detector.reads_pixels:
            return [images * 1.0]  # a graph's output may not be its input
        maps = self.encoder.feature_maps(images, self.detector.strides)
        return [maps[stride] for stride in self.detector.strides]


class DetectorGraph(_Graph):
    """``images (B, 3, H, W)`` → ``scores (B, N, K)`` and ``boxes (B, N, 4)`` normalised to [0, 1] over the input."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Detect."""
        scores, boxes = self.detector(self.maps(images))
        return scores, boxes / self.size


class ProposalsGraph(_Graph):
    """``images (B, 3, H, W)`` → the trunk and, where the detector proposes, ``boxes (B, A, 4)`` and ``logits (B, A)``.

    Boxes are in pixels of the input.
    """

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Propose."""
        detector = self.detector
        assert isinstance(detector, RegionDetector)
        trunk = detector.trunk(self.maps(images))
        if detector.proposals is None:
            return tuple(trunk)
        return *trunk, *detector.proposals.candidates(detector.proposal_maps(trunk))


class RegionsGraph(nn.Module):
    """The trunk and ``rois (N, 5)`` → ``scores (N, K)`` and ``boxes (N, 4)`` or ``(N, K, 4)`` normalised to [0, 1].

    A RoI is the number of the image, and a box in pixels of the input.
    """

    def __init__(self, detector: RegionDetector) -> None:
        super().__init__()
        self.detector = detector
        height, width = detector.image_size
        self.register_buffer("size", torch.tensor([width, height] * 2).float(), persistent=False)

    size: Tensor

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        """Classify and move."""
        scores, boxes = self.detector.classify(given[:-1], given[-1])
        return scores, boxes / self.size


class BranchGraph(nn.Module):
    """The trunk, ``rois (N, 5)`` in pixels of the input and ``classes (N,)`` → what the branch finds, ``(N, …)``."""

    def __init__(self, detector: BranchedRCNN) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, *given: Tensor) -> tuple[Tensor]:
        """Look at boxes."""
        *trunk, rois, classes = given
        return (self.detector.look(trunk, rois, classes),)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained detector."""
    config, detector = trained.config, trained.model
    section, data = config.section, trained.config.data
    dataset = read_objects(data.path, captions=data.captions, **data.reading)
    examples = Examples.of(dataset, trained.encoder)
    settings: dict[str, Any] = {"selection": {"threshold": section.threshold, "nms_iou": section.nms_iou}}
    if isinstance(detector, OneStageDetector):
        specs: tuple[GraphSpec, ...] = (_detector_graph(trained, examples),)
    else:
        specs = _region_graphs(trained, examples)
        if detector.proposals is not None:
            rules = detector.proposals.config
            settings["proposals"] = {
                "compared": rules.pre_nms_top_n,
                "nms_iou": rules.nms_iou,
                "most": rules.post_nms_top_n_test,
            }
        else:
            settings["selective_search"] = section.selective_search.to_dict()
    if detector.finds == "key_points":
        settings["key_points"] = section.key_points.to_dict()
    weights = {"detector": detector.state_dict()}
    if section.train_encoder_after >= 0 or config.init_from:
        weights["encoder"] = trained.encoder.state_dict()
    return Declaration(
        architecture=section.model,
        graphs=specs,
        examples=examples,
        models=(detector,),
        settings=settings,
        weights=weights,
        labels=section.classes,
    )


def _photos() -> dict[int, object]:
    return {0: torch.export.Dim("photos", min=1)}


def _detector_graph(trained: Trained, examples: Examples) -> GraphSpec:
    return GraphSpec(
        name="detector",
        module=DetectorGraph(trained.encoder, trained.model).eval(),
        examples=(torch.from_numpy(examples.comparison[:COMPARED]),),
        inputs=("images",),
        outputs=("scores", "boxes"),
        dynamic_shapes=(_photos(),),
        quantise="static",
        tolerance=2e-3,
    )


def _region_graphs(trained: Trained, examples: Examples) -> tuple[GraphSpec, ...]:
    detector = trained.model
    images = torch.from_numpy(examples.comparison[:COMPARED])
    first = ProposalsGraph(trained.encoder, detector).eval()
    with torch.no_grad():
        trunk = [each.clone() for each in detector.trunk(first.maps(images))]
        proposed = detector.propose(trunk) if detector.proposals is not None else [_quarters(detector)] * len(images)
    names = [f"trunk_{number}" for number in range(len(trunk))]
    proposals = GraphSpec(
        name="trunk" if detector.proposals is None else "proposals",
        module=first,
        examples=(images,),
        inputs=("images",),
        outputs=(*names, *(("boxes", "logits") if detector.proposals is not None else ())),
        dynamic_shapes=(_photos(),),
        quantise="static",
        tolerance=2e-3,
    )
    rois, shapes = as_rois([each[:16] for each in proposed]), tuple(_photos() for _ in trunk)
    regions = GraphSpec(
        name="regions",
        module=RegionsGraph(detector).eval(),
        examples=(*trunk, rois),
        inputs=(*names, "rois"),
        outputs=("scores", "boxes"),
        dynamic_shapes=((*shapes, {0: torch.export.Dim("rois", min=1)}),),
        weights="half",
        tolerance=2e-2,  # the weights are in half precision
    )
    if not isinstance(detector, BranchedRCNN):
        return proposals, regions
    count = torch.export.Dim("rois", min=1)
    branch = GraphSpec(
        name=detector.finds,
        module=BranchGraph(detector).eval(),
        examples=(*trunk, rois, torch.arange(len(rois)) % len(trained.config.section.classes)),
        inputs=(*names, "rois", "classes"),
        outputs=(detector.finds,),
        dynamic_shapes=((*shapes, {0: count}, {0: count}),),
        weights="half",
        tolerance=2e-2,
    )
    return proposals, regions, branch


def _quarters(detector: RegionDetector) -> Tensor:
    """Return the whole image, its quarters and its middle, ``(6, 4)``, to compare on where boxes are given."""
    height, width = detector.image_size
    shares = torch.tensor(
        [[0, 0, 1, 1], [0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1], [0.2, 0.3, 0.7, 0.8]]
    )
    return shares * torch.tensor([width, height, width, height])
