"""Class visualisation: a picture that a network is sure shows a class, made from grey.

Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks", ICLR workshop 2014, equation 1: ascent on the score
of the class, not its probability, with an L2 penalty. Without more the picture is noise; Yosinski et al.,
"Understanding Neural Networks Through Deep Visualization", ICML workshop 2015, section 3, add a blur, and set pixels of
small norm and of small contribution to 0. All four are here, beside jitter (Mordvintsev et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.explain.network import gradients
from seetell.explain.optimisation import Progress
from seetell.explain.pictures import limits, to_picture
from seetell.photos.preprocessing import Preprocessing


@dataclass(frozen=True)
class ClassOptions:
    """How a picture is made.

    Attributes:
        steps: of the ascent.
        step_size: mean change of a pixel in a step, in standard deviations of the network's input.
        decay: share of the picture that each step takes away: the L2 penalty.
        blur: standard deviation in pixels of a Gaussian; 0 for none.
        blur_every: steps from one blur to the next.
        least_norm: percentile of the pixels' norms below which they become 0; 0 for none.
        least_contribution: percentile of ``|Σ_c x · ∂score/∂x|`` below which pixels become 0; 0 for none.
        jitter: the largest shift, in pixels.
        seed: of the picture to begin with, and of the shifts.
    """

    steps: int = 120
    step_size: float = 0.05
    decay: float = 0.004
    blur: float = 0.8
    blur_every: int = 4
    least_norm: float = 0.0
    least_contribution: float = 0.0
    jitter: int = 12
    seed: int = 0


def visualise_class(
    scores: nn.Module,
    target: int,
    preprocessing: Preprocessing,
    *,
    options: ClassOptions | None = None,
    progress: Progress | None = None,
) -> Image.Image:
    """Return a picture of a class as a network knows it.

    Args:
        scores: from images ``(B, 3, H, W)`` to class scores ``(B, K)``, in evaluation mode.
        target: number of the class.
        preprocessing: of the network's input.
        options: see :class:`ClassOptions`.
        progress: see :data:`~seetell.explain.optimisation.Progress`.
    """
    options = options or ClassOptions()
    generator = torch.Generator().manual_seed(options.seed)
    image = 0.1 * torch.randn(1, 3, preprocessing.height, preprocessing.width, generator=generator)
    black, white = limits(preprocessing)
    for step in range(options.steps):
        shift = torch.randint(-options.jitter, options.jitter + 1, (2,), generator=generator).tolist()
        gradient = torch.roll(
            gradients(scores, torch.roll(image, shift, dims=(2, 3)), target), [-each for each in shift], dims=(2, 3)
        )
        image = image + options.step_size * gradient / gradient.abs().mean().clamp(min=1e-12)
        image = regularised(image, gradient, options, blurred=step % options.blur_every == options.blur_every - 1)
        image = torch.minimum(torch.maximum(image, black), white)
        if progress is not None:
            progress(step + 1, options.steps)
    return to_picture(image, preprocessing)


def regularised(image: Tensor, gradient: Tensor, options: ClassOptions, *, blurred: bool) -> Tensor:
    """Return an image after decay, blur and clipping; see :class:`ClassOptions`.

    Args:
        image: ``(1, 3, H, W)``.
        gradient: of the score, as ``image``.
        options: what is done.
        blurred: whether it is the turn of the blur.
    """
    image = (1 - options.decay) * image
    if blurred and options.blur:
        image = gaussian_blur(image, options.blur)
    small = torch.zeros_like(image[:, :1], dtype=torch.bool)
    for percentile, values in (
        (options.least_norm, image.square().sum(dim=1, keepdim=True).sqrt()),
        (options.least_contribution, (image * gradient).sum(dim=1, keepdim=True).abs()),
    ):
        if percentile:
            small |= values < torch.quantile(values, percentile / 100)
    return image.masked_fill(small, 0.0)


def gaussian_blur(image: Tensor, deviation: float) -> Tensor:
    """Return ``(B, C, H, W)`` blurred, its edge pixels repeated outside.

    Args:
        image: ``(B, C, H, W)``.
        deviation: standard deviation of the Gaussian, in pixels.
    """
    radius = max(1, round(3 * deviation))
    line = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / deviation) ** 2)
    line = (line / line.sum()).to(image.dtype).expand(image.shape[1], 1, 1, -1)
    padded = F.pad(image, (radius,) * 4, mode="replicate")
    across = F.conv2d(padded, line, groups=image.shape[1])
    return F.conv2d(across, line.transpose(2, 3), groups=image.shape[1])
