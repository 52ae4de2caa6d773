from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.runtime.sessions import Graph
from seetell.tasks.grounding.export import grounding_graph
from seetell.tasks.grounding.model import Grounder, GrounderConfig
from seetell.tasks.retrieval.models.aligner import Aligner, AlignerConfig

pytestmark = pytest.mark.slow


@pytest.mark.nightly
def test_the_graph_chooses_as_torch_does():
    torch.manual_seed(0)
    sizes = {"imagenet_classes": 3, "object_classes": 2, "detected_words": 2, "detections": 2}
    aligner = Aligner(
        AlignerConfig(width=8, components=6, windows=(2,), word_size=8, hidden_size=8, **sizes),
        feature_size=10,
        grid_size=(2, 3),
        vocabulary_size=10,
    ).eval()
    aligner.whitening.fit(torch.randn(50, 10))
    config = GrounderConfig(width=8, maps=2, mixer_hidden_size=4, hidden_size=8, detections=4, selector_hidden_size=6)
    grounder = Grounder(config, components=6, grid=(2, 3), words=16, objects=2).eval()
    graph = Graph(grounding_graph(aligner, grounder).to_onnx(), threads=1)
    assert graph.inputs == ("grid", "phrases", "detections")
    detections = torch.zeros(1, 20, 6)
    detections[0, :3] = torch.tensor([[1, 0.9, 0, 0, 0.5, 0.5], [1, 0.5, 0.5, 0.5, 1, 1], [0, 0.4, 0.2, 0.2, 0.9, 0.6]])
    for phrases in (torch.randn(1, 16), torch.randn(5, 16)):
        grid = torch.randn(1, 6, 10)
        with torch.inference_mode():
            located = grounder(aligner.whitening(grid), phrases[None], detections)
        boxes, sure = located.chosen()
        given = {"grid": grid.numpy(), "phrases": phrases.numpy(), "detections": detections.numpy()}
        heat, found, overlaps = graph.run(given, ["heat", "boxes", "overlaps"])
        np.testing.assert_allclose(found, boxes[0].clamp(0, 1).numpy(), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(overlaps, sure[0].numpy(), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(heat, located.heat[0].softmax(dim=1).numpy(), rtol=1e-4, atol=1e-4)
