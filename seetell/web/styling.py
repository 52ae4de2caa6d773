"""Photos drawn in styles, over HTTP."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from seetell.errors import UsageError, unknown
from seetell.explain.style_model import StyleModel, with_colours_of
from seetell.web.uploads import Upload

MAX_SIDE = 1024
"""Pixels of the longer side of a picture."""

QUALITY = 90
"""Of the JPEG."""


@dataclass(frozen=True)
class Drawing:
    """What a request wants to have drawn.

    Attributes:
        styles: names.
        weights: of each style beside the others; equal when there are none.
        strength: of the styles, from 0 to 1.
        side: pixels of the longer side.
        keep_colour: whether the photo's colours are kept.
    """

    styles: Sequence[str]
    weights: Sequence[float]
    strength: float
    side: int
    keep_colour: bool

    def mix(self, model: StyleModel) -> dict[str, float]:
        """Return the weight of each style.

        Raises:
            UsageError: there is no style, one that the model does not know, or no weight for each.
        """
        for style in self.styles:
            if style not in model.styles:
                raise UsageError(f"style: {unknown('style', style, model.styles)}")
        weights = self.weights or [1.0] * len(self.styles)
        if len(weights) != len(self.styles) or not sum(weights):
            raise UsageError(
                f"weight: expected one for each of {len(self.styles)} styles, not all 0, got {self.weights}"
            )
        mix: dict[str, float] = {}
        for style, weight in zip(self.styles, weights, strict=True):
            mix[style] = mix.get(style, 0.0) + weight
        return mix


def drawn(
    model: StyleModel,
    upload: Upload,
    drawing: Drawing,
    pixels: np.ndarray,
    run: Callable[[Callable[[], Any]], Any],
) -> bytes:
    """Draw an image.

    Args:
        model: of styles.
        upload: what the client sent.
        drawing: how.
        pixels: of the image, ``(H, W, 3)`` uint8.
        run: does a piece of work on the models' thread.

    Returns:
        A JPEG.

    Raises:
        ApiError: the form has a field that is not known.
    """
    upload.text()  # there is none
    photo, mix = Image.fromarray(pixels), drawing.mix(model)
    picture = run(lambda: model.draw(photo, mix, side=drawing.side, strength=drawing.strength))
    if drawing.keep_colour:
        picture = with_colours_of(picture, photo)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
