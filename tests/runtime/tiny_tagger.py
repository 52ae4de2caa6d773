"""Graphs that tag images, for a bundle of a few kilobytes: random weights, but what they find depends on colours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from runtime.tiny_bundle import FEATURES, graph_entry, save_graph

from seetell.photos import Preprocessing

OBJECTS = ["person", "dog", "boat"]
DETECTED = ["dog", "grass", "ball", "sea"]
CLASSES, PLACES = 5, 4
DETECTOR_SIZE, TAG_ENCODER_SIZE = 12, 10


def add_tagger(
    folder: Path,
    *,
    graphs: tuple[str, ...] = ("tag_encoder", "word_detectors"),
    reads_pooled: bool = True,
    seed: int = 0,
) -> Path:
    """Add a detector and further graphs to a bundle.

    Args:
        folder: of the bundle.
        graphs: besides the detector; ``tag_encoder`` stands for ``tag_classifier`` too.
        reads_pooled: whether the word detectors read the encoder's features.
        seed: of the weights.
    """
    random = np.random.default_rng(seed)

    def weights(name: str, *shape: int, scale: float = 3.0) -> object:
        return numpy_helper.from_array(random.normal(size=shape).astype(np.float32) * scale, name)

    def numbers(name: str, values: object) -> object:
        return numpy_helper.from_array(np.array(values), name)

    quarters = np.array([[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]], np.float32)
    save_graph(
        folder / "detector.onnx",
        [
            helper.make_node("AveragePool", ["images"], ["cells"], kernel_shape=[6, 6], strides=[6, 6]),
            helper.make_node("Reshape", ["cells", "flat"], ["rows"]),
            helper.make_node("Transpose", ["rows"], ["places"], perm=[0, 2, 1]),
            helper.make_node("MatMul", ["places", "see"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["scores"]),
            helper.make_node("ReduceMean", ["places"], ["mean"], axes=[2], keepdims=1),
            helper.make_node("Mul", ["mean", "nothing"], ["nowhere"]),
            helper.make_node("Add", ["nowhere", "quarters"], ["boxes"]),
        ],
        {"images": (TensorProto.FLOAT, ["B", 3, DETECTOR_SIZE, DETECTOR_SIZE])},
        {"scores": ["B", PLACES, len(OBJECTS)], "boxes": ["B", PLACES, 4]},
        [
            numbers("flat", [0, 3, -1]),
            weights("see", 3, len(OBJECTS)),
            numbers("nothing", np.float32(0)),
            numbers("quarters", quarters[None]),
        ],
        opset=17,
    )
    entries = {"detector": graph_entry(folder, {"fp32": "detector.onnx"})}
    entries["detector"]["preprocessing"] = Preprocessing(DETECTOR_SIZE, DETECTOR_SIZE, resample="bilinear").to_dict()
    if "tag_encoder" in graphs:
        save_graph(
            folder / "tag_encoder.onnx",
            [
                helper.make_node("GlobalAveragePool", ["images"], ["mean"]),
                helper.make_node("Flatten", ["mean"], ["pooled"]),
            ],
            {"images": (TensorProto.FLOAT, ["B", 3, TAG_ENCODER_SIZE, TAG_ENCODER_SIZE])},
            {"pooled": ["B", 3]},
            [],
        )
        save_graph(
            folder / "tag_classifier.onnx",
            [helper.make_node("MatMul", ["pooled", "classify"], ["logits"])],
            {"pooled": (TensorProto.FLOAT, ["B", 3])},
            {"logits": ["B", CLASSES]},
            [weights("classify", 3, CLASSES)],
        )
        entries["tag_encoder"] = graph_entry(folder, {"fp32": "tag_encoder.onnx"})
        entries["tag_encoder"]["preprocessing"] = Preprocessing(TAG_ENCODER_SIZE, TAG_ENCODER_SIZE).to_dict()
        entries["tag_classifier"] = graph_entry(folder, {"fp32": "tag_classifier.onnx"})
    if "word_detectors" in graphs:
        read = {"pooled": FEATURES} if reads_pooled else {}
        read |= {"objects": len(OBJECTS)}
        read |= {"imagenet": CLASSES} if "tag_encoder" in graphs else {}
        width = sum(read.values())
        save_graph(
            folder / "word_detectors.onnx",
            [
                helper.make_node("Concat", list(read), ["all"], axis=1),
                helper.make_node("MatMul", ["all", "hear"], ["logits"]),
                helper.make_node("Sigmoid", ["logits"], ["words"]),
                helper.make_node("MatMul", ["all", "weigh"], ["presence"]),
            ],
            {name: (TensorProto.FLOAT, ["B", size]) for name, size in read.items()},
            {"words": ["B", len(DETECTED)], "presence": ["B", len(OBJECTS)]},
            [weights("hear", width, len(DETECTED)), weights("weigh", width, len(OBJECTS))],
        )
        entries["word_detectors"] = graph_entry(folder, {"fp32": "word_detectors.onnx"})
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["graphs"] |= entries
    description["settings"] |= {"objects": OBJECTS, "words": DETECTED}
    (folder / "model.json").write_text(json.dumps(description, indent=1), "utf-8")
    return folder
