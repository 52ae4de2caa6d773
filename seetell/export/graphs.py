"""Torch modules written as ONNX graphs: the encoder, the captioner's start and its step."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from seetell.backbones import Encoder, Features
from seetell.captioning import Captioner

OPSET = 18


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
    """The captioner's start: ``pooled`` and, where it is read, ``grid`` → ``state_0``, ``state_1`` and so on."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """Read the photos."""
        return self.captioner.start(Features(features[0], features[1] if len(features) > 1 else None))


class StepGraph(nn.Module):
    """The captioner's step: ``tokens (N,)``, ``state_0``, … → ``logprobs (N, V)``, ``next_state_0``, and so on."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner

    def forward(self, tokens: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Read a word a row."""
        logprobs, following = self.captioner.step(tokens, state)
        return logprobs, *following


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
    _write(EncoderGraph(encoder, with_grid=with_grid), (images,), path, inputs=["images"], outputs=outputs)


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
        state = captioner.start(features)
    states = [f"state_{index}" for index in range(len(state))]
    _write(StartGraph(captioner), tuple(given), start, inputs=["pooled", "grid"][: len(given)], outputs=states)
    tokens = torch.zeros(len(features.pooled), dtype=torch.long)
    outputs = ["logprobs", *(f"next_{name}" for name in states)]
    example = (tokens, *(part.clone() for part in state))
    _write(StepGraph(captioner), example, step, inputs=["tokens", *states], outputs=outputs)


def _write(
    module: nn.Module, example: tuple[Tensor, ...], path: Path, *, inputs: Sequence[str], outputs: Sequence[str]
) -> None:
    """Export with the leading axis of every input and output left open."""
    rows = torch.export.Dim("rows", min=1)
    shapes: tuple[object, ...] = tuple({0: rows} for _ in example)
    if isinstance(module, StartGraph):
        shapes = (shapes,)
    elif isinstance(module, StepGraph):
        shapes = (shapes[0], shapes[1:])
    with torch.no_grad(), _quiet():
        torch.onnx.export(
            module.eval(),
            example,
            path,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress and its warnings about its own internals from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
