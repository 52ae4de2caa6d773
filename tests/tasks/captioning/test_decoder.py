"""A decoder whose words are pieces, and whose memory all rows of an image share: a hand-made one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from runtime.tiny_bundle import graph_entry, save_graph, write_tiny_bundle

from seetell.errors import UsageError
from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.decoder import rows_of_photos
from seetell.tasks.captioning.predict import LARGE_BATCH, BundleCaptioner

PIECES = (*SPECIALS, " snow", "board", "s", ".", " on", "", "")


def test_rows_of_images():
    rows = rows_of_photos(np.array([0, 0, 2, 2, 2, 3]), 4)
    assert rows.tolist() == [[0, 1, 0], [0, 0, 0], [2, 3, 4], [5, 0, 0]]
    assert rows_of_photos(np.array([1]), 2).tolist() == [[0], [0]]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A bundle that says the same of all images, piece by piece, its decoder reading ``grid`` and ``rows``."""
    folder = write_tiny_bundle(tmp_path / "pieces")
    vocabulary = Vocabulary(PIECES, pieces=True)
    vocabulary.save(folder / "vocabulary.json")
    following = {1: 3, 3: 4, 4: 5, 5: 7, 7: 6, 6: 0}
    scores = np.full((len(PIECES), len(PIECES)), -9.0, np.float32)
    for before, after in following.items():
        scores[before, after] = -0.5
    grid = {"images": (TensorProto.FLOAT, ["B", 3, "H", "W"])}
    save_graph(
        folder / "encoder.onnx",
        [helper.make_node("GlobalAveragePool", ["images"], ["grid"])],
        grid,
        {"grid": ["B", 3, 1, 1]},
        [],
    )
    save_graph(
        folder / "decoder_start.onnx",
        [helper.make_node("Flatten", ["grid"], ["memory_0"]), helper.make_node("Flatten", ["grid"], ["state_0"])],
        {"grid": (TensorProto.FLOAT, ["B", 3, 1, 1])},
        {"memory_0": ["B", 3], "state_0": ["B", 3]},
        [],
    )
    save_graph(
        folder / "decoder_step.onnx",
        [
            helper.make_node("Gather", ["scores", "tokens"], ["said"]),
            helper.make_node("Cast", ["rows"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["numbers"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "nothing"], ["zero"]),
            helper.make_node("Add", ["said", "zero"], ["logprobs"]),
            helper.make_node("Identity", ["state_0"], ["next_state_0"]),
        ],
        {
            "tokens": (TensorProto.INT64, ["N"]),
            "rows": (TensorProto.INT64, ["B", "K"]),
            "state_0": (TensorProto.FLOAT, ["N", 3]),
        },
        {"logprobs": ["N", len(PIECES)], "next_state_0": ["N", 3]},
        [numpy_helper.from_array(scores, "scores"), numpy_helper.from_array(np.float32(0), "nothing")],
    )
    path = folder / "model.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    names = ("encoder", "decoder_start", "decoder_step")
    description["graphs"] = {name: graph_entry(folder, {"fp32": f"{name}.onnx"}) for name in names}
    description["vocabulary"] |= {"sha256": vocabulary.hash, "size": len(vocabulary)}
    path.write_text(json.dumps(description), encoding="utf-8")
    return Bundle.load(folder)


def test_pieces_are_put_together(bundle: Bundle):
    captioner = BundleCaptioner(bundle, threads=2)
    assert (captioner.batch_size, captioner.batches_at_once) == (LARGE_BATCH, 1)
    photos = [np.full((9, 9, 3), grey, np.uint8) for grey in (0, 100, 200)]
    for options in ({"method": "greedy"}, {"beam_size": 3}):
        for caption in captioner.caption_many(photos, **options):
            assert caption.text == "snowboards on."
            assert [word.text for word in caption.words] == ["snowboards", "on."]
            assert [word.logprob for word in caption.words] == pytest.approx([-1.5, -1.0])
            assert caption.logprob == pytest.approx(-3.0)


def test_options_for_words_are_refused(bundle: Bundle):
    with pytest.raises(UsageError, match="remove_bad_endings: tiny writes in pieces of words"):
        BundleCaptioner(bundle).check(remove_bad_endings=True)
