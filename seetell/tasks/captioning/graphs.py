"""Torch modules written as ONNX graphs: the encoder, the captioner's start and its step."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from seetell.nn.backbones import Encoder, Features
from seetell.nn.onnx_graph import onnx_graph
from seetell.tasks.captioning.models import Captioner


class EncoderGraph(nn.Module):
    """The encoder: ``images (B, 3, H, W)`` → ``pooled (B, D)`` and, where it is wanted, ``grid (B, L, D)``."""

    def __init__(self, encoder: Encoder, *, with_grid: bool) -> None:
        super().__init__()
        self.encoder, self.with_grid = encoder, with_grid

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Encode."""
        features = self.encoder(images)
        return (features.pooled, features.grid) if self.with_grid else (features.pooled,)


class StartGraph(nn.Module):
    """The captioner's start: ``pooled`` and, where it is read, ``grid`` → ``memory_0``, …, ``state_0``, …."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """Read the photos."""
        memory, state = self.captioner.start(Features(features[0], features[1] if len(features) > 1 else None))
        return *memory, *state


class StepGraph(nn.Module):
    """The captioner's step: tokens, photos, memory, state → ``logprobs``, ``next_state_0``, …, ``attention``."""

    def __init__(self, captioner: Captioner, *, memories: int) -> None:
        super().__init__()
        self.captioner, self.memories = captioner, memories

    def forward(self, tokens: Tensor, photos: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        """Read a word a row."""
        memory, state = parts[: self.memories], parts[self.memories :]
        logprobs, following, attention = self.captioner.step(tokens, photos, memory, state)
        return (logprobs, *following) if attention is None else (logprobs, *following, attention)


def write_encoder(encoder: Encoder, path: Path, *, with_grid: bool) -> None:
    """Write the encoder's graph.

    Args:
        encoder: in evaluation mode.
        path: the ONNX file.
        with_grid: give the grid out too.
    """
    size = encoder.preprocessing
    images = torch.zeros(2, 3, size.height, size.width)
    outputs = ["pooled", "grid"] if with_grid else ["pooled"]
    shapes = ({0: torch.export.Dim("photos", min=1)},)
    graph = EncoderGraph(encoder, with_grid=with_grid)
    path.write_bytes(onnx_graph(graph, (images,), inputs=["images"], outputs=outputs, shapes=shapes))


def write_decoder(captioner: Captioner, features: Features, *, start: Path, step: Path) -> None:
    """Write the captioner's two graphs.

    Args:
        captioner: in evaluation mode.
        features: of at least two photos, as an example.
        start: the ONNX file of the first graph.
        step: that of the second.
    """
    given = [features.pooled] + ([features.grid] if captioner.uses_grid and features.grid is not None else [])
    with torch.inference_mode():
        memory, state = captioner.start(features)
    memories = [f"memory_{index}" for index in range(len(memory))]
    states = [f"state_{index}" for index in range(len(state))]
    photos: dict[int, object] = {0: torch.export.Dim("photos", min=1)}
    rows: dict[int, object] = {0: torch.export.Dim("rows", min=1)}
    longer = rows | {1: torch.export.Dim("words", min=1)}
    begun = onnx_graph(
        StartGraph(captioner),
        tuple(given),
        inputs=["pooled", "grid"][: len(given)],
        outputs=[*memories, *states],
        shapes=(tuple(photos for _ in given),),
    )
    start.write_bytes(begun)
    numbers = torch.zeros(len(features.pooled), dtype=torch.long)
    parts = tuple(part.clone() for part in (*memory, *state))
    axes = [photos for _ in memory] + [
        longer if index in captioner.growing_state else rows for index in range(len(state))
    ]
    following = onnx_graph(
        StepGraph(captioner, memories=len(memory)),
        (numbers, numbers.clone(), *parts),
        inputs=["tokens", "photos", *memories, *states],
        outputs=["logprobs", *(f"next_{name}" for name in states), *(["attention"] if captioner.attends else [])],
        shapes=(rows, rows, tuple(axes)),
    )
    step.write_bytes(following)
