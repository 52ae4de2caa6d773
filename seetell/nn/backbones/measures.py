"""How large encoders are and how long they take: parameters, operations and milliseconds."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seetell.nn.backbones import OWN, create_encoder
from seetell.nn.backbones.catalogue import Entry
from seetell.nn.backbones.encoder import Encoder

RUNS, ENOUGH = 5, 1.0
"""Most runs of an encoder that are timed, and seconds after which no further one is."""


class Size(NamedTuple):
    """How large a network is.

    Attributes:
        parameters: that are trained.
        gflops: multiplications and additions of an image, in thousand millions, of its convolutions and linear layers.
        image_size: side of the image in pixels.
    """

    parameters: int
    gflops: float
    image_size: int


class _Published(nn.Module):
    """An encoder with its published head: images ``(B, 3, H, W)`` → logits ``(B, K)``."""

    def __init__(self, encoder: Encoder, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = encoder.published_head(classes)

    def forward(self, images: Tensor) -> Tensor:
        """Classify."""
        grid = self.encoder(images).grid
        assert grid is not None
        logits: Tensor = self.head(grid.transpose(1, 2).unflatten(2, self.encoder.grid_size))
        return logits


def classifier(entry: Entry) -> tuple[nn.Module, int]:
    """Return the whole network of an entry without values (on torch's ``meta`` device), and the side of its images."""
    library, _, plain = entry.name.rpartition("/")
    with torch.device("meta"):
        if entry.name in OWN:
            encoder = create_encoder(entry.name, weights="none")
            return _Published(encoder, entry.classes), encoder.preprocessing.height
        import torchvision

        if library != "timm" and plain in torchvision.models.list_models(module=torchvision.models):
            made = {"aux_logits": False, "init_weights": False} if plain in ("googlenet", "inception_v3") else {}
            (side,) = torchvision.models.get_model_weights(plain).DEFAULT.transforms().crop_size
            return torchvision.models.get_model(plain, **made), side
        import timm

        model: Any = timm.create_model(plain)
        return model, model.default_cfg["input_size"][-1]


def size_of(entry: Entry) -> Size:
    """Count the parameters and operations of an entry with its published head."""
    model, side = classifier(entry)
    images = torch.zeros(1, 3, side, side, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(images)
    return Size(sum(value.numel() for value in model.parameters()), counter.get_total_flops() / 1e9, side)


def milliseconds(name: str) -> float:
    """Return how long an encoder keeps one processor core busy with an image, in torch: the least of a few runs.

    The processor's time is measured, so that other programs matter little.
    """
    encoder = create_encoder(name, weights="none").to(memory_format=torch.channels_last)
    shape = encoder.preprocessing
    images = torch.zeros(1, 3, shape.height, shape.width).contiguous(memory_format=torch.channels_last)
    threads = torch.get_num_threads()
    times: list[float] = []
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            encoder(images)
            while len(times) < RUNS and sum(times) < ENOUGH:
                started = time.process_time()
                encoder(images)
                times.append(time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    return 1000 * min(times)
