"""Maximally activating patches: the parts of photos at which a unit is most active.

Girshick et al., "Rich Feature Hierarchies for Accurate Object Detection and Semantic Segmentation", CVPR 2014, section
3.1; Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR workshop 2015.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from PIL import Image

from seetell.errors import UsageError
from seetell.explain.pictures import Activations, to_input
from seetell.nn.backbones import Encoder

PATCH = 64
"""Side of a patch in pixels of the encoder's input."""


class Patch(NamedTuple):
    """A part of a photo.

    Attributes:
        activation: of the unit at its middle.
        photo: index of the photo.
        picture: ``PATCH`` pixels a side.
    """

    activation: float
    photo: int
    picture: Image.Image


def activating_patches(
    encoder: Encoder, photos: Iterable[Image.Image], layer: str, channels: Sequence[int], *, count: int = 8
) -> list[list[Patch]]:
    """Return the patches that activate some channels most, at most one of each photo, strongest first.

    Args:
        encoder: in evaluation mode.
        photos: RGB.
        layer: name of a module of the encoder whose output is ``(B, D, h, w)``.
        channels: of that output.
        count: patches of each channel.

    Raises:
        UsageError: the layer has no such channel, or no channels with places at all.
    """
    activations, preprocessing = Activations(encoder, [layer]), encoder.preprocessing
    best: list[list[tuple[float, int, Image.Image]]] = [[] for _ in channels]
    for number, photo in enumerate(photos):
        shown = Image.fromarray(preprocessing.resize(photo))
        with torch.no_grad():
            output = activations(to_input(shown, preprocessing))[layer]
            if output.dim() != 4:
                raise UsageError(f"the output of layer {layer!r} has no places; name a layer before it")
            if max(channels) >= output.shape[1]:
                raise UsageError(f"layer {layer!r} has the channels 0 to {output.shape[1] - 1}, got {max(channels)}")
            found = output[0, list(channels)]  # (K, h, w)
        values, places = found.flatten(1).max(dim=1)
        for own, value, place in zip(best, values.tolist(), places.tolist(), strict=True):
            if len(own) == count and value <= own[0][0]:
                continue
            row, column = divmod(place, found.shape[2])
            picture = _around(shown, (column + 0.5) / found.shape[2], (row + 0.5) / found.shape[1])
            (heapq.heappush if len(own) < count else heapq.heapreplace)(own, (value, -number, picture))
    return [[Patch(value, -number, picture) for value, number, picture in sorted(own, reverse=True)] for own in best]


def _around(picture: Image.Image, x: float, y: float) -> Image.Image:
    """Return the patch around x and y, normalised to [0, 1]; it is moved inwards at the picture's edges."""
    left = min(max(round(x * picture.width - PATCH / 2), 0), max(picture.width - PATCH, 0))
    top = min(max(round(y * picture.height - PATCH / 2), 0), max(picture.height - PATCH, 0))
    return picture.crop((left, top, left + PATCH, top + PATCH))


def draw_patches(rows: Sequence[Sequence[Patch]], *, gap: int = 3) -> Image.Image:
    """Draw the patches of each channel as a row."""
    width = max(len(row) for row in rows) * (PATCH + gap) + gap
    sheet = Image.new("RGB", (width, len(rows) * (PATCH + gap) + gap), "white")
    for down, row in enumerate(rows):
        for across, patch in enumerate(row):
            sheet.paste(patch.picture, (gap + across * (PATCH + gap), gap + down * (PATCH + gap)))
    return sheet
