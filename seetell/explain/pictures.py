"""Between pictures and a network's input of any size, and the activations of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import UsageError, unknown
from seetell.photos.preprocessing import Preprocessing


def to_input(picture: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """Return a picture in its own size as a network's input, ``(1, 3, H, W)`` float32."""
    return torch.from_numpy(preprocessing.normalise(np.asarray(picture.convert("RGB"))))[None]


def to_picture(images: Tensor, preprocessing: Preprocessing) -> Image.Image:
    """Return the first of a network's inputs, ``(B, 3, H, W)``, as a picture; values out of range are clipped."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (preprocessing.mean, preprocessing.std))
    pixels = (images[0].detach() * std + mean).round().clamp(0, 255).byte()
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())


def limits(preprocessing: Preprocessing) -> tuple[Tensor, Tensor]:
    """Return what black and white are in a network's input, ``(1, 3, 1, 1)`` each."""
    mean, std = (torch.tensor(values)[None, :, None, None] for values in (preprocessing.mean, preprocessing.std))
    return -mean / std, (255 - mean) / std


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """Return a picture whose longer side has so many pixels."""
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.convert("RGB").resize(size, Image.Resampling.BICUBIC, reducing_gap=3)


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return images ``(B, C, H, W)`` of another height and width."""
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


class Activations:
    """The outputs of some layers of a network, by their names in it, such as ``stages.4``.

    Args:
        network: in evaluation mode; only its part up to the last of the layers is run.
        layers: names of modules.

    Raises:
        UsageError: it has no such layer.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        known = dict(network.named_modules())
        for layer in layers:
            if not layer or layer not in known:
                raise UsageError(unknown("layer", layer, (name for name in known if name)))
        self._network, self._layers = network, [(name, known[name]) for name in dict.fromkeys(layers)]

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Return each layer's output for images ``(B, 3, H, W)``, usually ``(B, D, h, w)``."""
        found: dict[str, Tensor] = {}
        with self._kept(found), _until_all_are_there():
            self._network(images)
        return found

    @contextmanager
    def _kept(self, found: dict[str, Tensor]) -> Iterator[None]:
        def hook(name: str) -> object:
            def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
                found[name] = output
                if len(found) == len(self._layers):
                    raise _AllThere

            return keep

        handles = [module.register_forward_hook(hook(name)) for name, module in self._layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


class _AllThere(Exception):  # noqa: N818
    """Ends a run of a network whose further layers are not needed."""


@contextmanager
def _until_all_are_there() -> Iterator[None]:
    try:
        yield
    except _AllThere:
        return
