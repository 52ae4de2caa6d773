"""What the exporter writes of a dense captioner: maps, proposals, regions and the decoder of its captioner.

The non-maximum suppression between the graphs is left to numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from seetell.data.regions import read_regions
from seetell.errors import RecipeError
from seetell.export.declaration import Declaration, Examples, GraphSpec, encoder_graph
from seetell.nn.backbones import Encoder, Features
from seetell.runtime.bundle import Bundle, bundled_models
from seetell.tasks.captioning.export import decoder_check, decoder_graphs
from seetell.tasks.dense_captioning.model import SHORTCUT_SAMPLES, DenseCap
from seetell.tasks.dense_captioning.object_agreement import DETECTED_SCORE
from seetell.training.trained import Trained


class MapsGraph(nn.Module):
    """The encoder: ``images (B, 3, H, W)`` → one map ``(B, C_s, h, w)`` per stride."""

    def __init__(self, encoder: Encoder, strides: Sequence[int]) -> None:
        super().__init__()
        self.encoder, self.strides = encoder, tuple(strides)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Encode."""
        maps = self.encoder.feature_maps(images, self.strides)
        return tuple(maps[stride] for stride in self.strides)


class ProposalsGraph(nn.Module):
    """Maps → pyramid, decoded anchors ``boxes (B, A, 4)``, their ``logits (B, A)`` and perhaps ``context (B, C)``."""

    def __init__(self, densecap: DenseCap) -> None:
        super().__init__()
        self.densecap = densecap

    def forward(self, *maps: Tensor) -> tuple[Tensor, ...]:
        """Propose."""
        densecap = self.densecap
        pyramid = densecap.pyramid(maps)
        boxes, logits = densecap.proposals.candidates([densecap.proposal_map(pyramid)])
        context = () if densecap.context is None else (densecap.global_context(maps),)
        return *pyramid, boxes, logits, *context


class RegionsGraph(nn.Module):
    """Pyramid, perhaps maps, ``context`` and, per stride, ``boxes_s`` and ``photos_s`` → boxes, scores and features.

    The boxes ``(N_s, 4)`` of the photos numbered ``(N_s,)`` are pooled from the pyramid's map of that stride. Returned
    are refined ``boxes (N, 4)``, ``scores (N,)``, and for the captioner ``pooled (N, D)`` and perhaps
    ``grid (N, L, D)``, stride after stride.
    """

    def __init__(self, densecap: DenseCap) -> None:
        super().__init__()
        self.densecap = densecap

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Classify, refine and pool boxes."""
        densecap, head = self.densecap, self.densecap.regions
        strides, levels = head.strides, len(head.strides)
        rest = list(given)

        def taken(count: int) -> list[Tensor]:
            return [rest.pop(0) for _ in range(count)]

        pyramid = taken(levels)
        maps = taken(levels) if densecap.shortcut is not None else []
        context = taken(1)[0] if densecap.context is not None else None
        boxes, photos = taken(levels), taken(levels)
        all_boxes, all_photos = torch.cat(boxes), torch.cat(photos)
        side, samples = head.config.output_size, head.align.sampling_ratio
        cells = torch.cat(
            [
                _aligned(activation, each, owners, stride, side, samples)
                for activation, each, owners, stride in zip(pyramid, boxes, photos, strides, strict=True)
            ]
        )
        codes, logits, corrections = head(cells)
        corrected = head.decode_boxes(all_boxes, corrections)
        sampled = [
            _aligned(activation, all_boxes, all_photos, stride, densecap.config.shortcut, SHORTCUT_SAMPLES)
            for activation, stride in zip(maps, strides, strict=False)
        ]
        features = densecap.captioner_features(
            codes,
            cells,
            raw=densecap.flatten_roi_features(sampled) if sampled else None,
            context=None if context is None else context[all_photos],
        )
        grid = () if features.grid is None else (features.grid,)
        return corrected, torch.sigmoid(logits), features.pooled, *grid


def _aligned(activation: Tensor, boxes: Tensor, photos: Tensor, stride: int, cells: int, samples: int) -> Tensor:
    rois = torch.cat([photos[:, None].to(boxes.dtype), boxes], dim=1)
    sampled: Tensor = roi_align(activation, rois, cells, 1 / stride, sampling_ratio=samples)
    return sampled


def localisation_graphs(densecap: DenseCap, maps: Sequence[Tensor]) -> tuple[GraphSpec, GraphSpec]:
    """Declare the graphs ``proposals`` and ``regions``, with the encoder's maps of two images or more as an example."""
    strides = densecap.config.strides
    levels = [f"level_{stride}" for stride in strides]
    names = [f"map_{stride}" for stride in strides]
    shortcut = [] if densecap.shortcut is None else names
    context = [] if densecap.context is None else ["context"]
    photos: dict[int, object] = {0: torch.export.Dim("photos", min=1)}
    with torch.no_grad():
        module = ProposalsGraph(densecap)
        proposed = module(*maps)
    proposals = GraphSpec(
        name="proposals",
        module=module,
        examples=tuple(maps),
        inputs=tuple(names),
        outputs=(*levels, "boxes", "logits", *context),
        dynamic_shapes=(tuple(photos for _ in maps),),
        weights="shared",
        tolerance=0.02,  # the weights are in half precision
    )
    boxes = [torch.tensor([[0.0, 0.0, stride, stride]] * (2 + place)) for place, stride in enumerate(strides)]
    owners = [torch.arange(len(each)) % 2 for each in boxes]
    rows: list[dict[int, object]] = [{0: torch.export.Dim(f"boxes_{stride}", min=1)} for stride in strides]
    regions = GraphSpec(
        name="regions",
        module=RegionsGraph(densecap),
        examples=(*proposed[: len(levels)], *maps[: len(shortcut)], *proposed[len(levels) + 2 :], *boxes, *owners),
        inputs=(
            *levels,
            *shortcut,
            *context,
            *(f"boxes_{stride}" for stride in strides),
            *(f"photos_{stride}" for stride in strides),
        ),
        outputs=("boxes", "scores", "pooled", *(["grid"] if densecap.captioner.uses_grid else [])),
        dynamic_shapes=((*(photos for _ in (*levels, *shortcut, *context)), *rows, *rows),),
        weights="shared",
    )
    return proposals, regions


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained dense captioner."""
    densecap, section = trained.model, trained.config.section
    config, captioner = densecap.config, densecap.captioner
    data = trained.config.data
    dataset = read_regions(data.path, captions=data.captions, **data.reading)
    examples = Examples.of(dataset.captions(), trained.encoder)
    maps_graph = MapsGraph(trained.encoder, config.strides)
    with torch.no_grad():
        maps = maps_graph(torch.from_numpy(examples.comparison))
        features = _detected_features(densecap, maps)
    localisation = {
        "strides": list(config.strides),
        "canonical_box_size": config.roi_head.canonical_box_size,
        "pre_nms_top_n": config.proposals.pre_nms_top_n,
        "proposal_nms_iou": config.proposals.nms_iou,
        "proposals": config.proposals.post_nms_top_n_test,
        "nms_iou": config.roi_head.nms_iou,
        "max_detections": config.roi_head.max_detections,
        "caption_confidence_weight": config.caption_confidence_weight,
    }
    detector = detector_bundle(section.detector) if section.detector else None
    own = {name: value for name, value in densecap.state_dict().items() if not name.startswith("captioner.")}
    return Declaration(
        architecture="densecap",
        graphs=(
            encoder_graph(maps_graph, [f"map_{stride}" for stride in config.strides], examples),
            *localisation_graphs(densecap, maps),
            *decoder_graphs(captioner, features),
        ),
        examples=examples,
        models=(densecap,),
        settings={
            "decoding": section.decoding.to_dict(),
            "localisation": localisation,
            "phrases": {"temperature": section.temperature},
            **({} if detector is None else _agreement(detector)),
        },
        checks=(decoder_check(captioner, features),),
        weights={"densecap": own, "captioner": captioner.state_dict()},
        tagger=detector,
    )


def detector_bundle(name: str) -> Bundle:
    """Load the bundle of an object detector by its name or from its folder.

    Raises:
        BundleError: it is no bundle, or damaged.
        RecipeError: it has no detector.
    """
    bundle = Bundle.load(bundled_models().get(name, Path(name)))
    if "detector" not in bundle.graphs or not bundle.labels:
        raise RecipeError(f"dense_captioning.detector: {bundle.name} has no graph 'detector'; name an object detector")
    return bundle


def _agreement(detector: Bundle) -> dict[str, object]:
    """Return the settings of a bundle that shares a detector; ``scripts/regions/fit_agreement.py`` fits the least."""
    objects = list(detector.labels or ())
    return {"objects": objects, "agreement": {"least_evidence": [DETECTED_SCORE] * len(objects)}}


def _detected_features(densecap: DenseCap, maps: tuple[torch.Tensor, ...]) -> Features:
    """Return what the captioner reads of all regions detected in some images."""
    detected = [detections.features for detections in densecap.detect(maps)]
    grids = [features.grid for features in detected if features.grid is not None]
    return Features(torch.cat([features.pooled for features in detected]), torch.cat(grids) if grids else None)
