"""Texture synthesis: a new picture with the Gram matrices of another.

Gatys, Ecker & Bethge, "Texture Synthesis Using Convolutional Neural Networks", NIPS 2015: noise is optimised until Gram
matrices of several layers are those of the texture (equation 4; see :mod:`seetell.explain.gram` for the weights).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from seetell.explain.gram import targets, texture_error
from seetell.explain.optimisation import Progress, minimise
from seetell.explain.pictures import Activations, fitted, limits, to_input, to_picture
from seetell.explain.style import STYLE_LAYERS
from seetell.explain.total_variation import total_variation
from seetell.nn.backbones import Encoder

SMOOTHNESS = 0.03


def synthesise_texture(
    encoder: Encoder,
    texture: Image.Image,
    *,
    side: int = 256,
    steps: int = 200,
    seed: int = 0,
    layers: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Image.Image:
    """Return a square picture with the texture of another.

    Args:
        encoder: whose layers are compared, in evaluation mode.
        texture: the example.
        side: pixels of each side.
        steps: of the optimisation.
        seed: of the noise to begin with.
        layers: names of the encoder's modules; those of styles when absent.
        progress: see :data:`~seetell.explain.optimisation.Progress`.
    """
    activations = Activations(encoder, layers or STYLE_LAYERS)
    example = to_input(fitted(texture, side), encoder.preprocessing)
    wanted = targets([activations(example)], [1.0])
    mean, deviation = example.mean(dim=(2, 3), keepdim=True), example.std(dim=(2, 3), keepdim=True)
    noise = mean + deviation * torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))

    def loss(image: Tensor) -> Tensor:
        return texture_error(activations(image), wanted).mean() + SMOOTHNESS * total_variation(image) / image.numel()

    bounds = limits(encoder.preprocessing)
    made = minimise(noise, loss, steps=steps, bounds=bounds, progress=progress)
    return to_picture(made, encoder.preprocessing)
