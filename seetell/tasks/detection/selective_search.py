"""Selective search: boxes that probably hold an object, from segments that are joined step by step.

Uijlings et al., "Selective Search for Object Recognition", IJCV 2013. The segments of
:mod:`~seetell.tasks.detection.graph_segmentation` are joined, the two most similar neighbours at a time, until one is
left, and the box of each segment on the way is proposed. Two segments are as similar as their colours (histograms of 25
bins a channel), textures (of Gaussian derivatives in eight directions, 10 bins each), smallness ``1 − (|a| + |b|) /
|image|`` and fit ``1 − (|box| − |a| − |b|) / |image|`` together are (equations 1 to 6). Several colour spaces, scales
and sums of similarities make different boxes; a box is ranked by how late it was made, times a random number (section
4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from seetell.config import check_sizes
from seetell.errors import RecipeError, unknown
from seetell.geometry.boxes import Boxes
from seetell.tasks.detection.graph_segmentation import Labels, segmentations, smoothed

COLOUR_BINS, TEXTURE_BINS, DIRECTIONS = 25, 10, 8
COLOURS = ("hsv", "lab", "rgb")
SUMS = ((True, True), (False, True))
"""Whether colour and texture count, beside size and fit, in each of the groupings of a segmentation."""


@dataclass(frozen=True)
class SelectiveSearchConfig:
    """How boxes are proposed.

    Attributes:
        side: the image is resized to that many pixels each way first.
        colours: colour spaces, among ``hsv``, ``lab`` and ``rgb``.
        scales: of the segmentation, ``k`` on a scale of 0 to 255; 50, 100, 150 and 300 in print.
        least: fewest pixels of a segment.
        most: boxes of an image.
    """

    side: int = 160
    colours: tuple[str, ...] = ("hsv", "lab")
    scales: tuple[float, ...] = (50.0, 100.0)
    least: int = 20
    most: int = 2000

    def __post_init__(self) -> None:
        check_sizes(self, "side", "least", "most")
        for name in self.colours:
            if name not in COLOURS:
                raise RecipeError(f"colours: {unknown('colour space', name, COLOURS)}")
        if not self.colours or not self.scales or min(self.scales) <= 0:
            raise RecipeError(f"scales: expected positive numbers and a colour space, got {list(self.scales)}")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SelectiveSearchConfig:
        """Read the setting ``selective_search`` of a bundle.

        Raises:
            RecipeError: a field is wrong.
            TypeError: one is missing or unknown.
        """
        lists = {"colours": tuple(content["colours"]), "scales": tuple(content["scales"])}
        return cls(**{**content, **lists})

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)


def selective_search(pixels: np.ndarray, config: SelectiveSearchConfig) -> Boxes:
    """Propose boxes.

    Args:
        pixels: ``(H, W, 3)`` uint8, RGB.
        config: how.

    Returns:
        Different boxes ``(N, 4)`` ``xyxy`` in pixels of the image, best first.
    """
    height, width = pixels.shape[:2]
    image = Image.fromarray(pixels).resize((config.side, config.side), Image.Resampling.BILINEAR)
    random = np.random.default_rng(0)
    boxes, ranks = [], []
    for colour in config.colours:
        channels = in_colours(image, colour)
        histograms = _pixel_bins(channels)
        for labels in segmentations(channels, scales=config.scales, least=config.least):
            described = _Segments.of(labels, *histograms)
            for uses_colour, uses_texture in SUMS:
                made = described.grouped(uses_colour=uses_colour, uses_texture=uses_texture)
                boxes.append(made)
                ranks.append(random.random(len(made)) * np.arange(len(made), 0, -1))
    every = np.concatenate(boxes)[np.argsort(np.concatenate(ranks), kind="stable")]
    _, first = np.unique(every, axis=0, return_index=True)
    boxes_in_pixels: Boxes = every[np.sort(first)][: config.most] * np.array([width, height] * 2) / config.side
    return boxes_in_pixels


def in_colours(image: Image.Image, name: str) -> np.ndarray:
    """Return an RGB image in a colour space, ``(H, W, 3)`` float32 on the scale of 0 to 255."""
    if name == "hsv":
        return np.asarray(image.convert("HSV"), np.float32)
    rgb = np.asarray(image, np.float32)
    if name == "rgb":
        return rgb
    linear = np.where(rgb > 10.31475, ((rgb / 255 + 0.055) / 1.055) ** 2.4, rgb / 255 / 12.92)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089], np.float32)
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    lab = np.stack([(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128], axis=-1)
    return lab.clip(0, 255).astype(np.float32)


def _pixel_bins(channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bin of each pixel in each colour histogram ``(3, P)`` and each texture histogram ``(24, P)``."""
    colour = (channels * (COLOUR_BINS / 256)).astype(np.int64).reshape(-1, 3).T
    down, across = np.gradient(smoothed(channels, 1.0), axis=(0, 1))
    textures = []
    for angle in np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS:
        response = np.maximum(across * np.cos(angle) + down * np.sin(angle), 0).reshape(-1, 3).T
        greatest = response.max(axis=1, keepdims=True) + 1e-6
        textures.append((response / greatest * (TEXTURE_BINS - 1e-3)).astype(np.int64))
    return colour, np.concatenate(textures)


@dataclass(frozen=True)
class _Segments:
    """``S`` segments of an image, described.

    Attributes:
        sizes: shares of the image, ``(S,)``.
        boxes: ``(S, 4)`` in pixels.
        colour: histograms, each segment's summing up to 1, ``(S, 75)``.
        texture: likewise, ``(S, 240)``.
        neighbours: pairs that touch each other, ``(E, 2)``.
        pixels: of the image.
    """

    sizes: np.ndarray
    boxes: np.ndarray
    colour: np.ndarray
    texture: np.ndarray
    neighbours: np.ndarray
    pixels: int

    @classmethod
    def of(cls, labels: Labels, colour: np.ndarray, texture: np.ndarray) -> _Segments:
        """Describe the segments of :func:`segment` by the bins of :func:`_pixel_bins`."""
        flat, count = labels.ravel(), int(labels.max()) + 1
        sizes = np.bincount(flat, minlength=count)
        rows, columns = np.divmod(np.arange(flat.size), labels.shape[1])
        boxes = np.full((count, 4), flat.size)
        boxes[:, 2:] = 0
        np.minimum.at(boxes[:, 0], flat, columns)
        np.minimum.at(boxes[:, 1], flat, rows)
        np.maximum.at(boxes[:, 2], flat, columns + 1)
        np.maximum.at(boxes[:, 3], flat, rows + 1)

        def histograms(bins: np.ndarray, each: int) -> np.ndarray:
            counted = [np.bincount(flat * each + one, minlength=count * each).reshape(count, each) for one in bins]
            shares: np.ndarray = np.concatenate(counted, axis=1) / (sizes[:, None] * len(bins))
            return shares

        touching = [
            np.stack([one.ravel(), other.ravel()], axis=1)
            for one, other in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))
        ]
        pairs = np.sort(np.concatenate(touching), axis=1)
        pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
        return cls(
            sizes / flat.size,
            boxes.astype(np.float64),
            histograms(colour, COLOUR_BINS),
            histograms(texture, TEXTURE_BINS),
            pairs,
            flat.size,
        )

    def grouped(self, *, uses_colour: bool, uses_texture: bool) -> np.ndarray:
        """Join the most similar neighbours until one segment is left.

        Returns:
            The boxes of all segments in the order in which they were made, ``(2S − 1, 4)``.
        """
        sizes, boxes = self.sizes.copy(), self.boxes.copy()
        parts = [*([self.colour] if uses_colour else []), *([self.texture] if uses_texture else [])]
        described = np.concatenate(parts, axis=1)
        count = len(sizes)
        touches = np.zeros((count, count), np.bool_)
        similar = np.full((count, count), -np.inf)
        made = [boxes.copy()]

        def similarities(one: np.ndarray, others: np.ndarray) -> np.ndarray:
            total = sizes[one] + sizes[others]
            around = np.maximum(boxes[one, 2:], boxes[others, 2:]) - np.minimum(boxes[one, :2], boxes[others, :2])
            alike = np.minimum(described[one], described[others]).sum(axis=-1)
            summed: np.ndarray = alike + (1 - total) + (1 - (around.prod(axis=-1) / self.pixels - total))
            return summed

        one, other = self.neighbours.T
        touches[one, other] = touches[other, one] = True
        similar[one, other] = similar[other, one] = similarities(one, other)
        for _ in range(count - 1):
            best, gone = divmod(int(similar.argmax()), count)
            joined = sizes[best] + sizes[gone]
            described[best] = (sizes[best] * described[best] + sizes[gone] * described[gone]) / joined
            boxes[best, :2] = np.minimum(boxes[best, :2], boxes[gone, :2])
            boxes[best, 2:] = np.maximum(boxes[best, 2:], boxes[gone, 2:])
            sizes[best] = joined
            touches[best] |= touches[gone]
            touches[best, [best, gone]] = False
            touches[:, best] = touches[best]
            touches[gone] = touches[:, gone] = False
            for each in (best, gone):
                similar[each] = similar[:, each] = -np.inf
            beside = np.flatnonzero(touches[best])
            similar[best, beside] = similar[beside, best] = similarities(np.full(len(beside), best), beside)
            made.append(boxes[best][None].copy())
        return np.concatenate(made)
