"""Feature inversion: a picture that a layer sees as it sees another one.

Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015: minimise
``‖Φ(x) − Φ₀‖² / ‖Φ₀‖² + λ_α Σ|x|^α + λ_β R_β(x)`` (equations 1, 3 and 4). What a layer keeps, the picture has; what it
does not, the regularisers decide.
"""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from seetell.explain.optimisation import Progress, minimise
from seetell.explain.pictures import Activations, limits, to_input, to_picture
from seetell.explain.total_variation import total_variation
from seetell.nn.backbones import Encoder

ALPHA = 6


def invert_features(
    encoder: Encoder,
    picture: Image.Image,
    layer: str,
    *,
    steps: int = 200,
    smoothness: float = 0.1,
    boundedness: float = 0.01,
    seed: int = 0,
    progress: Progress | None = None,
) -> Image.Image:
    """Return a picture whose activations in a layer are those of another, beginning with noise.

    Args:
        encoder: in evaluation mode.
        picture: resized to the encoder's input.
        layer: name of a module of the encoder.
        steps: of the optimisation.
        smoothness: ``λ_β``, per pixel; ``β`` is 2.
        boundedness: ``λ_α``, per pixel; ``α`` is 6.
        seed: of the noise.
        progress: see :data:`~seetell.explain.optimisation.Progress`.
    """
    preprocessing, activations = encoder.preprocessing, Activations(encoder, [layer])
    shown = to_input(Image.fromarray(preprocessing.resize(picture.convert("RGB"))), preprocessing)
    wanted = activations(shown)[layer].detach()
    noise = 0.1 * torch.randn(shown.shape, generator=torch.Generator().manual_seed(seed))

    def loss(image: Tensor) -> Tensor:
        error = (activations(image)[layer] - wanted).square().sum() / wanted.square().sum()
        bounded = image.pow(ALPHA).sum() / image.numel()
        return error + boundedness * bounded + smoothness * total_variation(image) / image.numel()

    made = minimise(noise, loss, steps=steps, bounds=limits(preprocessing), progress=progress)
    return to_picture(made, preprocessing)
