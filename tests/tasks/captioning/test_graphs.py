"""Do the decoder's graphs say what torch says, before and after they read their weights from one file?"""

from __future__ import annotations

import onnx
import pytest
import torch

from seetell.export.parity import decoder_difference
from seetell.export.shared_weights import read_from_weights, write_weights
from seetell.nn.backbones import Features
from seetell.runtime.sessions import Graph
from seetell.tasks.captioning.graphs import write_decoder
from seetell.tasks.captioning.models import CONFIGS, create_captioner

ATTENDING = {"embedding_size": 8, "hidden_size": 12, "annotation_size": 10, "attention_size": 6}
SIZES = {
    "multimodal_rnn": {"embedding_size": 8, "hidden_size": 12},
    "neuraltalk2": {"embedding_size": 8, "hidden_size": 12, "cell": "gru"},
    "show_attend_tell": ATTENDING,
    "up_down": ATTENDING,
}


@pytest.mark.parametrize("architecture", SIZES)
def test_graphs_say_what_torch_says(architecture, tmp_path):
    torch.manual_seed(0)
    config = CONFIGS[architecture](**SIZES[architecture])
    captioner = create_captioner(architecture, config, feature_size=7, vocabulary_size=20, locations=9).eval()
    features = Features(torch.randn(3, 7), 4 * torch.randn(3, 9, 7))
    captioner.fit_normalisation(features)
    start, step, weights = tmp_path / "start.onnx", tmp_path / "step.onnx", tmp_path / "weights.safetensors"
    write_decoder(captioner, features, start=start, step=step)
    assert decoder_difference(captioner, features, start=start, step=step) < 1e-4
    write_weights({"captioner": captioner.state_dict()}, weights)
    for graph in (start, step):
        read_from_weights(graph, weights)
        arrays = onnx.load(graph, load_external_data=False).graph.initializer
        matrices = [array for array in arrays if len(array.dims) == 2 and min(array.dims) > 1]
        assert all(array.data_location == onnx.TensorProto.EXTERNAL for array in matrices)
    assert decoder_difference(captioner, features, start=start, step=step) < 0.02
    assert ("attention" in Graph(step, threads=1).outputs) == captioner.attends
