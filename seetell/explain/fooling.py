"""Fooling images: a picture changed hardly visibly, of which a network is sure that it shows something else.

Szegedy et al., "Intriguing Properties of Neural Networks", ICLR 2014. As in the Stanford course CS231n (2016,
assignment 3), the picture takes steps of fixed length along the gradient of the wanted class's score.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from seetell.explain.network import gradients
from seetell.explain.pictures import limits, to_input, to_picture
from seetell.photos.preprocessing import Preprocessing


class Fooled(NamedTuple):
    """A picture that fools a network.

    Attributes:
        picture: of the network's input size.
        change: the largest change of a pixel's value, in shares of the range from black to white.
        steps: that were taken.
        success: whether the network takes it for the wanted class with the wanted probability.
        probability: of the wanted class.
    """

    picture: Image.Image
    change: float
    steps: int
    success: bool
    probability: float


def fool(
    scores: nn.Module,
    picture: Image.Image,
    target: int,
    preprocessing: Preprocessing,
    *,
    step_size: float = 0.5,
    most_steps: int = 100,
    least_probability: float = 0.9,
) -> Fooled:
    """Change a picture until a network takes it for another class.

    Args:
        scores: from images ``(B, 3, H, W)`` to logits ``(B, K)``, in evaluation mode.
        picture: to begin with.
        target: number of the wanted class.
        preprocessing: of the network's input.
        step_size: L2 norm of a step, in the network's input.
        most_steps: after which it gives up.
        least_probability: of the wanted class, at which it is content.
    """
    shown = to_input(Image.fromarray(preprocessing.resize(picture.convert("RGB"))), preprocessing)
    black, white = limits(preprocessing)
    image, steps = shown, 0
    while (probability := _probability(scores, image, target)) < least_probability and steps < most_steps:
        gradient = gradients(scores, image, target)
        image = image + step_size * gradient / gradient.norm().clamp(min=1e-12)
        image, steps = torch.minimum(torch.maximum(image, black), white), steps + 1
    change = float(((image - shown).abs() / (white - black)).max())
    return Fooled(to_picture(image, preprocessing), change, steps, probability >= least_probability, probability)


def _probability(scores: nn.Module, image: Tensor, target: int) -> float:
    with torch.no_grad():
        return float(torch.softmax(scores(image), dim=1)[0, target])
