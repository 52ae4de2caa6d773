"""Key points over the photo: the lines that join them, and a dot at each, in the colour of their box."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageDraw

from seetell.results import Point

WIDTH, EDGING, RADIUS = 4, 2, 5
"""Widths of a line and of the dark edges on both sides of it, and the radius of a dot, in pixels of the picture."""

Colour = tuple[int, int, int]
Pairs = Sequence[tuple[int, int]]


def draw_skeleton(
    pen: ImageDraw.ImageDraw, points: Sequence[Point], pairs: Pairs, scale: float, colour: Colour, dark: Colour
) -> None:
    """Draw the points of a region.

    Args:
        pen: of the picture.
        points: in pixels of the photo.
        pairs: which are joined.
        scale: pixels of the picture for a pixel of the photo.
        colour: of the region.
        dark: of the edges.
    """
    places = [(scale * point.x, scale * point.y) for point in points]
    for width, ink in ((WIDTH + 2 * EDGING, dark), (WIDTH, colour)):
        for first, second in pairs:
            pen.line([places[first], places[second]], fill=ink, width=width)
        radius = RADIUS + (width - WIDTH) / 2
        for x, y in places:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def skeleton_svg(points: Sequence[Point], pairs: Pairs, size: tuple[int, int]) -> str:
    """Return the points of a region as SVG that lies over the photo; empty without points.

    Args:
        points: in pixels of the photo.
        pairs: which are joined.
        size: width and height of the photo.
    """
    if not points:
        return ""
    lines = "".join(f"M{points[a].x:.1f} {points[a].y:.1f}L{points[b].x:.1f} {points[b].y:.1f}" for a, b in pairs)
    dots = "".join(f"M{point.x:.1f} {point.y:.1f}h0" for point in points)
    paths = "".join(
        f'<path class="{name}" d="{path}" vector-effect="non-scaling-stroke"/>'
        for name, path in (("limbs edge", lines), ("dots edge", dots), ("limbs", lines), ("dots", dots))
    )
    return f'<svg class="skeleton" viewBox="0 0 {size[0]} {size[1]}" aria-hidden="true">{paths}</svg>'
