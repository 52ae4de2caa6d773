"""An encoder in 8-bit integers, calibrated on images.

Static quantisation: one scale per output channel for weights and one per tensor for activations, measured on real
images. Weights take 7 bits, because processors without VNNI add pairs of products in 16 bits and would saturate on 8.
The first convolutions stay in float32: few weights, a small share of the work, and most of the error.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

FLOAT_CONVOLUTIONS = 3
BATCH = 4


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Gives the calibration images, a few at a time."""

    def __init__(self, images: np.ndarray) -> None:
        self._batches: Iterator[dict[str, np.ndarray]] = iter(
            [{"images": images[start : start + BATCH]} for start in range(0, len(images), BATCH)]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, ``None`` after the last."""
        return next(self._batches, None)


def quantise(source: Path, target: Path, images: np.ndarray, *, operators: Sequence[str] | None = None) -> None:
    """Write an int8 copy of a graph with one input, ``images``.

    Args:
        source: the ONNX file in float32.
        target: the ONNX file to write.
        images: preprocessed images to measure activations on, ``(N, 3, H, W)``; a hundred are enough.
        operators: kinds of node that are quantised, such as ``Conv``; all that can be when absent. Each kind that is
            rounds its outputs once more.
    """
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantiser recommends a preprocessing step that has been done
    try:
        with tempfile.TemporaryDirectory() as folder:
            folded = Path(folder) / "folded.onnx"
            quant_pre_process(source, folded, skip_symbolic_shape=True)
            convolutions = [node.name for node in onnx.load(folded).graph.node if node.op_type == "Conv"]
            quantize_static(
                folded,
                target,
                _Batches(images),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                op_types_to_quantize=operators,
                nodes_to_exclude=convolutions[:FLOAT_CONVOLUTIONS],
            )
    finally:
        root.setLevel(level)
