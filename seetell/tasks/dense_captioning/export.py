"""What the exporter writes of a dense captioner: maps, proposals, regions and the decoder of its captioner."""

from __future__ import annotations

import torch

from seetell.data.regions import read_regions
from seetell.export.declaration import Declaration, encoder_graph
from seetell.export.examples import Examples
from seetell.nn.backbones import Features
from seetell.tasks.captioning.graphs import decoder_check, decoder_graphs
from seetell.tasks.dense_captioning.graphs import MapsGraph, localisation_graphs
from seetell.tasks.dense_captioning.models.densecap import DenseCap
from seetell.training.trained import Trained


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained dense captioner."""
    densecap, section = trained.model, trained.config.section
    config, captioner = densecap.config, densecap.captioner
    examples = _examples(trained)
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
        settings={"decoding": section.decoding.to_dict(), "localisation": localisation},
        checks=(decoder_check(captioner, features),),
        weights={"densecap": own, "captioner": captioner.state_dict()},
    )


def _examples(trained: Trained) -> Examples:
    data = trained.config.data
    dataset = read_regions(data.path, captions=data.captions, **data.reading).captions()
    return Examples(dataset.split("train"), dataset.split("val"), trained.encoder.preprocessing)


def _detected_features(densecap: DenseCap, maps: tuple[torch.Tensor, ...]) -> Features:
    """Return what the captioner reads of all regions detected in some images."""
    detected = [detections.features for detections in densecap.detect(maps)]
    grids = [features.grid for features in detected if features.grid is not None]
    return Features(torch.cat([features.pooled for features in detected]), torch.cat(grids) if grids else None)
