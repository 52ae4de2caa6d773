"""What the exporter writes of a captioner of videos: the encoder of frames, and start and step of the decoder."""

from __future__ import annotations

import torch

from seetell.data import read
from seetell.export.declaration import Declaration, Examples, FeaturesGraph, comparison_features, encoder_graph
from seetell.nn.backbones import Features
from seetell.tasks.captioning.export import decoder_check, decoder_graphs
from seetell.training.trained import Trained


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained captioner of videos."""
    data, encoder, captioner = trained.config.data, trained.encoder, trained.model
    section = trained.config.section
    examples = Examples.of(read(data.path, **data.reading), encoder)
    pooled = comparison_features(encoder, examples).pooled
    frames = torch.stack([pooled.roll(place, dims=0) for place in range(section.frames)], dim=1)  # (B, L, D)
    features = Features(frames.mean(dim=1), frames)
    return Declaration(
        architecture=section.architecture,
        graphs=(
            encoder_graph(FeaturesGraph(encoder, with_grid=False), ("pooled",), examples),
            *decoder_graphs(captioner, features),
        ),
        examples=examples,
        models=(captioner,),
        settings={"decoding": section.decoding.to_dict(), "frames": section.frames},
        checks=(decoder_check(captioner, features),),
        weights={"encoder": encoder.state_dict(), "captioner": captioner.state_dict()},
    )
