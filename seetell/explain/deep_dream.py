"""DeepDream: a picture is changed so that a layer sees more of what it sees already.

Mordvintsev, Olah & Tyka, "Inceptionism: Going Deeper into Neural Networks", Google Research blog, 2015: ascent on the
sum of a layer's squared activations, with steps along the gradient divided by its mean magnitude, the picture shifted
by a random offset at each (jitter), and from small to large (octaves), the detail that enlarging loses being put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from seetell.explain.optimisation import Progress
from seetell.explain.pictures import Activations, fitted, limits, resized, to_input, to_picture
from seetell.nn.backbones import Encoder

LAYERS = ("stages.5.0.layers.1",)
"""Of EfficientNet-Lite: its rectified expansions dream of patterns of eyes, fur and feathers."""


@dataclass(frozen=True)
class DreamOptions:
    """How a picture is made.

    Attributes:
        side: pixels of its longer side.
        octaves: sizes at which it is changed.
        octave_scale: of each size to the one before.
        steps: at each size.
        step_size: mean change of a pixel in a step, in standard deviations of the network's input.
        jitter: the largest shift, in pixels.
        seed: of the shifts.
    """

    side: int = 512
    octaves: int = 4
    octave_scale: float = 1.4
    steps: int = 10
    step_size: float = 0.03
    jitter: int = 32
    seed: int = 0


def deep_dream(
    encoder: Encoder,
    picture: Image.Image,
    *,
    layers: Sequence[str] = LAYERS,
    options: DreamOptions | None = None,
    progress: Progress | None = None,
) -> Image.Image:
    """Return a picture in which a network sees more of what it sees.

    Args:
        encoder: in evaluation mode.
        picture: to begin with.
        layers: names of its modules, whose squared activations are increased.
        options: see :class:`DreamOptions`.
        progress: see :data:`~seetell.explain.optimisation.Progress`.
    """
    options = options or DreamOptions()
    activations, (black, white) = Activations(encoder, layers), limits(encoder.preprocessing)
    generator = torch.Generator().manual_seed(options.seed)
    full = to_input(fitted(picture, options.side), encoder.preprocessing)
    sizes = [
        tuple(max(32, round(length / options.octave_scale**octave)) for length in full.shape[2:])
        for octave in reversed(range(options.octaves))
    ]
    image = original = resized(full, sizes[0])  # type: ignore[arg-type]
    for octave, size in enumerate(sizes):
        if octave:
            larger = resized(full, size)  # type: ignore[arg-type]
            lost = larger - resized(original, size)  # type: ignore[arg-type]
            image, original = resized(image, size) + lost, larger  # type: ignore[arg-type]
        for step in range(options.steps):
            shift = torch.randint(-options.jitter, options.jitter + 1, (2,), generator=generator).tolist()
            moved = torch.roll(image, shift, dims=(2, 3))
            moved = moved + options.step_size * normalised_ascent(activations, moved)
            image = torch.roll(moved, [-each for each in shift], dims=(2, 3))
            image = torch.minimum(torch.maximum(image, black), white)
            if progress is not None:
                progress(octave * options.steps + step + 1, len(sizes) * options.steps)
    return to_picture(image, encoder.preprocessing)


def normalised_ascent(activations: Activations, image: Tensor) -> Tensor:
    """Return the gradient of ``Σ f² / 2`` over the layers' activations, divided by its mean magnitude, as ``image``."""
    image = image.detach().requires_grad_()
    with torch.enable_grad():
        energy = sum(found.square().sum() / 2 for found in activations(image).values())
    assert isinstance(energy, Tensor)
    (gradient,) = torch.autograd.grad(energy, image)
    return gradient / gradient.abs().mean().clamp(min=1e-12)
