"""Is the bundle the model that was trained? Its graphs against torch, on photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch

from seetell.errors import BundleError
from seetell.nn.backbones import Encoder, Features
from seetell.tasks.captioning.models import Captioner

TOLERANCES = {
    "encoder_fp32_max_difference": 1e-3,
    "encoder_int8_cosine_distance": 0.05,
    "decoder_logprob_max_difference": 0.1,
    "alignment_score_max_difference": 1e-3,
    "grounding_box_max_difference": 1e-2,
    "maps_fp32_max_difference": 1e-3,
    "maps_int8_cosine_distance": 0.05,
    "proposals_max_difference": 0.02,
}
"""Largest allowed: of a feature (float32), of the mean angle between features (int8: 1 − cosine), of a word's
log-probability, whose weights the bundle keeps in half precision, of an aligner's score as a share of its deviation, of
a box's side as a share of the photo, of a map's channel as a share of the greatest, of the mean angle between cells,
and of a proposal's coordinate or score as a share of the greatest, the last two in half precision too."""

STEPS = 5


def check_parity(measured: dict[str, float]) -> None:
    """Refuse a bundle that is not the model.

    Args:
        measured: differences by the names of ``TOLERANCES``.

    Raises:
        BundleError: one is over its tolerance or not a number.
    """
    failing = [
        f"{name} is {value:.3g}, at most {TOLERANCES[name]:g} is allowed"
        for name, value in measured.items()
        if not value <= TOLERANCES[name]
    ]
    if failing:
        raise BundleError(f"the exported graphs differ from the trained model: {'; '.join(failing)}; nothing was kept")


def encoder_difference(encoder: Encoder, graph: Path, images: np.ndarray) -> float:
    """Return the largest absolute difference of a pooled feature.

    Args:
        encoder: in evaluation mode.
        graph: its ONNX file.
        images: preprocessed photos, ``(N, 3, H, W)``.
    """
    ours, theirs = _pooled(encoder, graph, images)
    return float(np.abs(ours - theirs).max())


def encoder_cosine_distance(encoder: Encoder, graph: Path, images: np.ndarray) -> float:
    """Return 1 − the mean cosine between pooled features of torch and of a graph."""
    ours, theirs = _pooled(encoder, graph, images)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(1 - np.mean(np.sum(ours * theirs, axis=1) / lengths))


def _pooled(encoder: Encoder, graph: Path, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        ours = encoder(torch.from_numpy(images)).pooled.numpy()
    (theirs,) = _session(graph).run(["pooled"], {"images": images})
    return ours, np.asarray(theirs)


def decoder_difference(captioner: Captioner, features: Features, *, start: Path, step: Path) -> float:
    """Return the largest absolute difference of a word's log-probability over the first steps of greedy decoding.

    Args:
        captioner: in evaluation mode.
        features: of ``B`` photos.
        start: the ONNX file of the first graph.
        step: that of the second.
    """
    # one photo fewer than the graph was made with shows whether it takes any number
    features = Features(features.pooled[1:], None if features.grid is None else features.grid[1:])
    given = {"pooled": features.pooled.numpy()}
    if features.grid is not None:
        given["grid"] = features.grid.numpy()
    first, following = _session(start), _session(step)
    begun = first.run(None, {value.name: given[value.name] for value in first.get_inputs()})
    named = dict(zip((value.name for value in first.get_outputs()), begun, strict=True))
    wanted = {value.name for value in following.get_inputs()}
    outputs = [value.name for value in following.get_outputs()]
    worst = 0.0
    with torch.inference_mode():
        memory, state = captioner.start(features)
        tokens, photos = torch.ones(len(features.pooled), dtype=torch.long), torch.arange(len(features.pooled))
        for _ in range(STEPS):
            logprobs, state, _ = captioner.step(tokens, photos, memory, state)
            named |= {"tokens": tokens.numpy(), "photos": photos.numpy()}
            given = following.run(outputs, {name: part for name, part in named.items() if name in wanted})
            named |= {name.removeprefix("next_"): part for name, part in zip(outputs, given, strict=True)}
            theirs = named["logprobs"]
            likely = logprobs.numpy() > -10  # what has less than one chance in 20,000 is never said
            worst = max(worst, float(np.abs(logprobs.numpy() - theirs)[likely].max()))
            tokens = logprobs.argmax(dim=1)
    return worst


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
