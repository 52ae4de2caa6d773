"""Styles that are drawn by rules, so that no painter's picture is needed: in the public domain as they are made."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

Palette = tuple[tuple[int, int, int], ...]

WARM: Palette = ((28, 42, 92), (196, 62, 42), (238, 170, 52), (246, 226, 170), (72, 120, 130), (130, 40, 70))
COOL: Palette = ((14, 40, 84), (30, 96, 150), (86, 160, 190), (190, 222, 226), (244, 240, 214), (230, 180, 80))
INK: Palette = ((24, 24, 30), (245, 240, 228))


def mosaic(side: int, rng: np.random.Generator) -> Image.Image:
    """Small tiles of flat colours with dark joints, in rows that swing."""
    picture = Image.new("RGB", (side, side), (40, 36, 40))
    pen, size = ImageDraw.Draw(picture), max(6, side // 32)
    for y in range(-size, side + size, size):
        for x in range(-size, side + size, size):
            shift = size * 0.6 * math.sin(x / side * 7 + y / side * 3)
            tone = (math.sin(x / side * 9 + y / side * 4) + math.sin(y / side * 11 - x / side * 5)) / 2
            place = int((tone + 1) / 2 * (len(WARM) - 1) + rng.normal(0, 0.5)) % len(WARM)
            colour = tuple(int(np.clip(part + rng.normal(0, 14), 0, 255)) for part in WARM[place])
            corners = [
                (x, y + shift),
                (x + size - 2, y + shift),
                (x + size - 2, y + shift + size - 2),
                (x, y + shift + size - 2),
            ]
            pen.polygon([(a + rng.normal(0, 0.6), b + rng.normal(0, 0.6)) for a, b in corners], fill=colour)
    return picture


def waves(side: int, rng: np.random.Generator) -> Image.Image:
    """Bands of colour that swirl around some points."""
    y, x = np.mgrid[0:side, 0:side] / side
    angle = 2.2 * x + 1.4 * y
    for centre in rng.random((6, 2)):
        distance = np.hypot(x - centre[0], y - centre[1])
        angle += 1.6 * np.exp(-12 * distance) * np.sin(18 * distance)
    phase = 9 * angle + 0.9 * np.sin(7 * y + 5 * x)
    place = (phase % 1) * (len(COOL) - 1)
    colours = np.array(COOL, float)
    low = place.astype(int)
    mixed = (
        colours[low] * (1 - (place - low) ** 4)[..., None]
        + colours[np.minimum(low + 1, len(COOL) - 1)] * ((place - low) ** 4)[..., None]
    )
    ridge = 26 * np.sin(2 * math.pi * 9 * phase)[..., None]
    return Image.fromarray(np.clip(mixed + ridge, 0, 255).astype(np.uint8))


def dots(side: int, rng: np.random.Generator) -> Image.Image:
    """Many round dots of pure colours, as pointillists set them."""
    picture = Image.new("RGB", (side, side), (240, 232, 208))
    pen = ImageDraw.Draw(picture)
    radius = max(2.0, side / 110)
    for _ in range(int(1.1 * (side / radius) ** 2 / 4)):
        x, y = rng.random(2) * side
        tone = (math.sin(6 * x / side) + math.cos(5 * y / side) + rng.normal(0, 0.7)) / 2
        palette = (*WARM, *COOL)
        colour = palette[int((tone + 1.2) / 2.4 * (len(palette) - 1)) % len(palette)]
        size = radius * (0.7 + 0.5 * rng.random())
        pen.ellipse((x - size, y - size, x + size, y + size), fill=colour)
    return picture


def hatching(side: int, rng: np.random.Generator) -> Image.Image:
    """Ink strokes on paper, crossed where it is darker."""
    picture = Image.new("RGB", (side, side), INK[1])
    pen, step = ImageDraw.Draw(picture), max(3, side // 90)
    for layer, angle in enumerate((0.8, 2.3, 1.6)):
        across, along = math.cos(angle), math.sin(angle)
        for offset in range(-side, 2 * side, step):
            for begin in range(-side, 2 * side, side // 14):
                x = offset * along + begin * across + rng.normal(0, 1.5)
                y = -offset * across + begin * along + side / 2 + rng.normal(0, 1.5)
                darkness = (math.sin(5 * x / side) + math.sin(6 * y / side + 1) + 2) / 4
                if darkness * 3 < layer + 0.4 * rng.random():
                    continue
                length = side / 15 * (0.7 + 0.6 * rng.random())
                pen.line((x, y, x + length * across, y + length * along), fill=INK[0], width=max(1, side // 400))
    return picture


def strokes(side: int, rng: np.random.Generator) -> Image.Image:
    """Thick short brush strokes that follow a flow."""
    picture = Image.new("RGB", (side, side), COOL[0])
    pen = ImageDraw.Draw(picture)
    palette = (*COOL, *WARM[1:4])
    for _ in range(3600):
        x, y = rng.random(2) * side
        angle = 2.4 * math.sin(4 * x / side) + 2.0 * math.cos(5 * y / side)
        length, width = side / 22 * (0.6 + 0.8 * rng.random()), side / 90 * (0.6 + rng.random())
        tone = (math.sin(5 * x / side + 1) + math.sin(4 * y / side) + rng.normal(0, 0.5)) / 2
        base = np.array(palette[int((tone + 1.3) / 2.6 * (len(palette) - 1)) % len(palette)])
        a, b = length * math.cos(angle) / 2, length * math.sin(angle) / 2
        for place in (-1, 0, 1):  # bristles
            colour = tuple(np.clip(base + rng.normal(0, 16), 0, 255).astype(int).tolist())
            nx, ny = -math.sin(angle) * width * place / 2.5, math.cos(angle) * width * place / 2.5
            pen.line((x - a + nx, y - b + ny, x + a + nx, y + b + ny), fill=colour, width=max(1, round(width / 2)))
    return picture


def glass(side: int, rng: np.random.Generator) -> Image.Image:
    """Panes of coloured glass between strips of lead: the Voronoi cells of scattered points."""
    cells = 13
    points = (
        np.mgrid[-2 : cells + 2, -2 : cells + 2].reshape(2, -1).T + 0.85 * rng.random(((cells + 4) ** 2, 2))
    ) / cells
    palette = (*COOL, *WARM[1:])
    tone = np.sin(5 * points[:, 0] + 1) + np.sin(4 * points[:, 1] + 2) + rng.normal(0, 0.5, len(points))
    base = np.array(palette, float)[((tone + 2.6) / 5.2 * (len(palette) - 1)).round().astype(int) % len(palette)]
    picture = np.empty((side, side, 3))
    x = (np.arange(side) + 0.5) / side
    for row in range(side):
        near = points[np.abs(points[:, 0] - x[row]) < 2 / cells]
        colours = base[np.abs(points[:, 0] - x[row]) < 2 / cells]
        distances = np.hypot(near[:, :1] - x[row], near[:, 1:] - x)  # (points, side)
        order = np.argpartition(distances, 1, axis=0)[:2]
        nearest, second = np.sort(np.take_along_axis(distances, order, axis=0), axis=0) * cells
        light = 0.75 + 0.35 * (1 - nearest) + 0.06 * rng.normal(size=side)
        lead = second - nearest < 0.13
        picture[row] = np.where(lead[:, None], 20, colours[distances.argmin(axis=0)] * light[:, None])
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


STYLES: dict[str, Callable[[int, np.random.Generator], Image.Image]] = {
    "mosaic": mosaic,
    "waves": waves,
    "dots": dots,
    "hatching": hatching,
    "strokes": strokes,
    "glass": glass,
}


def draw_style(name: str, side: int = 512, *, seed: int = 0) -> Image.Image:
    """Return a drawn style, RGB and square.

    Args:
        name: a key of :data:`STYLES`.
        side: in pixels.
        seed: the same seed draws the same picture.
    """
    return STYLES[name](side, np.random.default_rng(seed))
