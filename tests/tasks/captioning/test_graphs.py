"""Whether the decoder's graphs match torch, before and after they read their weights from one file."""

from __future__ import annotations

import onnx
import pytest
import torch

from seetell.export.shared_weights import externalise_weights, write_weights
from seetell.nn.backbones import Features, Tags
from seetell.runtime.sessions import Graph
from seetell.tasks.captioning.export import decoder_difference, decoder_graphs
from seetell.tasks.captioning.models import CONFIGS, create_captioner

pytestmark = pytest.mark.slow

ATTENDING = {"embedding_size": 8, "hidden_size": 12, "annotation_size": 10, "attention_size": 6}
SIZES = {
    "multimodal_rnn": {"embedding_size": 8, "hidden_size": 12},
    "neuraltalk2": {"embedding_size": 8, "hidden_size": 12, "cell": "gru"},
    "show_attend_tell": ATTENDING,
    "tag_transformer": {"width": 12, "feedforward": 16, "objects": 5, "words": 7, "object_tokens": 3},
    "up_down": ATTENDING,
}


@pytest.mark.nightly
@pytest.mark.parametrize("architecture", SIZES)
def test_graphs_match_torch(architecture, tmp_path):
    torch.manual_seed(0)
    config = CONFIGS[architecture](**SIZES[architecture])
    captioner = create_captioner(architecture, config, feature_size=7, vocabulary_size=20, locations=9).eval()
    captioner.name_tags(
        [*"abcdefghijklmnop", "dog", "boat", "dogs", "t"], ["dog", "boat", "cat", "bed", "kite"], "abcdefg"
    )
    tags = Tags(torch.rand(3, 5), torch.rand(3, 5, 5), torch.rand(3, 7), torch.randn(3, 5))
    features = Features(torch.randn(3, 7), 4 * torch.randn(3, 9, 7), tags if captioner.uses_tags else None)
    captioner.fit_normalisation(features)
    files = {}
    for spec in decoder_graphs(captioner, features):
        files[spec.name] = tmp_path / f"{spec.name}.onnx"
        files[spec.name].write_bytes(spec.to_onnx())

    def difference() -> float:
        graphs = {name: Graph(file, threads=1) for name, file in files.items()}
        return decoder_difference(captioner, features, graphs)

    assert difference() < 1e-4
    weights = tmp_path / "weights.safetensors"
    write_weights({"captioner": captioner.state_dict()}, weights)
    for file in files.values():
        externalise_weights(file, weights)
        arrays = onnx.load(file, load_external_data=False).graph.initializer
        matrices = [array for array in arrays if len(array.dims) == 2 and min(array.dims) > 1]
        assert all(array.data_location == onnx.TensorProto.EXTERNAL for array in matrices)
    assert difference() < 0.02
    assert ("attention" in Graph(files["decoder_step"], threads=1).outputs) == captioner.attends
