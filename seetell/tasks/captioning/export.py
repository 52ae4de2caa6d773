"""What the exporter writes of a captioner: encoder, start and step of the decoder, and weights for further training."""

from __future__ import annotations

from pathlib import Path

from seetell.data import read
from seetell.export.declaration import Declaration, FeaturesGraph, comparison_features, encoder_graph
from seetell.export.examples import Examples
from seetell.tasks.captioning.graphs import decoder_check, decoder_graphs
from seetell.training.trained import Trained


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained captioner."""
    data, encoder, captioner = trained.config.data, trained.encoder, trained.model
    section = trained.config.section
    dataset = read(data.path, **data.reading)
    examples = Examples(dataset.split("train"), dataset.split("val"), encoder.preprocessing)
    features = comparison_features(encoder, examples)
    module = FeaturesGraph(encoder, with_grid=captioner.uses_grid)
    outputs = ("pooled", "grid") if captioner.uses_grid else ("pooled",)
    return Declaration(
        architecture=section.architecture,
        graphs=(encoder_graph(module, outputs, examples), *decoder_graphs(captioner, features)),
        examples=examples,
        models=(captioner,),
        settings={
            "decoding": section.decoding.to_dict(),
            **({"grid": list(encoder.grid_size)} if captioner.attends else {}),
        },
        checks=(decoder_check(captioner, features),),
        weights={"encoder": encoder.state_dict(), "captioner": captioner.state_dict()},
        distilled_from=[Path(teacher).name for teacher in section.distillation.teachers],
    )
