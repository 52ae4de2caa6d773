"""Encoders in one picture: their parameters over the time that an image takes, or over its operations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seetell.atomic_write import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

SMALL = 32
"""Side in pixels of the images that networks for CIFAR and digits read."""

PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Directions from a dot in which its name may stand, in the order in which they are tried."""

NEAR = 6
"""Points from the middle of a dot to its name, where there is room."""

NAME: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7.5, "zorder": 4}
LEADER = {"arrowstyle": "-", "linewidth": 0.5, "color": "grey", "shrinkA": 0, "shrinkB": 3}

FIRST_YEAR = 2012
"""Those before have its colour."""


def draw_encoders(rows: Sequence[Mapping[str, Any]], output: Path) -> None:
    """Draw a dot for each encoder, in the colour of its year: networks for small images, and those for photos.

    Args:
        rows: each with ``name``, ``paper``, ``parameters``, ``image_size``, ``gflops`` and, if it was measured,
            ``milliseconds``.
        output: the picture; its suffix selects the format.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels = {
        "Images of 32×32 pixels": [row for row in rows if row["image_size"] <= SMALL],
        "Photos of 224 pixels and more": [row for row in rows if row["image_size"] > SMALL],
    }
    panels = {title: shown for title, shown in panels.items() if shown}
    figure = Figure(figsize=(7 * len(panels), 7.5), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    key = "milliseconds" if all("milliseconds" in row for row in rows) else "gflops"
    axes_of_panels: list[Axes] = list(figure.subplots(1, len(panels), squeeze=False)[0])
    for axes, (title, shown) in zip(axes_of_panels, panels.items(), strict=True):
        dots = axes.scatter(
            [row[key] for row in shown],
            [row["parameters"] / 1e6 for row in shown],
            c=[_year(row) for row in shown],
            s=36,
            cmap="viridis",
            vmin=FIRST_YEAR,
            vmax=max(max(map(_year, rows)), FIRST_YEAR + 1),
            edgecolors="black",
            linewidths=0.5,
            zorder=3,
        )
        unit = "milliseconds of one processor core for an image" if key == "milliseconds" else "GFLOPs for an image"
        axes.set(xscale="log", yscale="log", title=title, xlabel=unit, ylabel="million parameters, with the head")
        axes.grid(which="both", alpha=0.2)
        axes.margins(0.12)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
    bar = figure.colorbar(dots, ax=axes_of_panels, label="year of the paper", extend="min", pad=0.02, aspect=40)
    bar.locator = MaxNLocator(integer=True)
    canvas.draw()  # type: ignore[no-untyped-call]
    figure.set_layout_engine("none")  # names must not move what they were placed beside
    for axes, shown in zip(axes_of_panels, panels.values(), strict=True):
        _write_names(axes, [(row[key], row["parameters"] / 1e6, _short(row["name"])) for row in shown])
    with atomic_file(output) as file:
        figure.savefig(file, format=output.suffix[1:], dpi=110)


def _write_names(axes: Axes, dots: Sequence[tuple[float, float, str]]) -> None:
    """Write names beside their dots, where they cover neither dots nor other names as far as there is room."""
    from matplotlib.transforms import Bbox

    places = axes.transData.transform([(across, up) for across, up, _ in dots])
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in places]
    inside = axes.get_window_extent()
    for across, up, name in sorted(dots):
        best: tuple[float, int, dict[str, Any], Bbox] | None = None
        for distance, (right, above) in _offsets():
            style: dict[str, Any] = {
                "xytext": (distance * right, distance * above),
                "ha": {1: "left", 0: "center", -1: "right"}[right],
                "va": {1: "bottom", 0: "center", -1: "top"}[above],
            }
            text = axes.annotate(name, (across, up), **style, **NAME)
            box = text.get_window_extent().padded(1.5)
            text.remove()
            covered = sum(_shared(box, other) for other in taken) + box.width * box.height - _shared(box, inside)
            if best is None or covered + distance < best[0]:
                best = covered + distance, distance, style, box
            if covered == 0:
                break
        assert best is not None
        _, distance, style, box = best
        axes.annotate(name, (across, up), **style, **NAME, arrowprops=LEADER if distance > NEAR else None)
        taken.append(box)


def _offsets() -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield distances in points and directions, the nearest first."""
    for distance in (NEAR, 14, 24, 36):
        for place in PLACES:
            yield distance, place


def _shared(one: Bbox, other: Bbox) -> float:
    """Return the area that two boxes share."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    up = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(across, 0) * max(up, 0))


def _year(row: Mapping[str, Any]) -> int:
    (year,) = re.findall(r"\b(?:19|20)\d\d\b", row["paper"])
    return int(year)


def _short(name: str) -> str:
    return name.rpartition("/")[2].removeprefix("cifar_")
