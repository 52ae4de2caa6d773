"""A run's log, one JSON object per line, and the curves drawn from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seetell.atomic_write import atomic_file


class RunLog:
    """Appends to a log of JSON lines, each with a ``step``.

    Args:
        path: the file; created when absent.
        step: lines from this step on are removed first: a run that resumes there writes them again.
    """

    def __init__(self, path: Path, *, step: int = 0) -> None:
        self.path = path
        kept = [line for line in read_log(path) if line["step"] < step]
        with atomic_file(path) as file:
            file.write("".join(json.dumps(line) + "\n" for line in kept).encode())

    def write(self, step: int, **values: Any) -> None:
        """Append a line."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a log; an incomplete last line, as a killed run may leave, is skipped."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


def draw_curves(log: list[dict[str, Any]], path: Path, *, scores: Sequence[str], loss_unit: str) -> None:
    """Draw training loss, validation loss and scores over the steps.

    Args:
        log: the lines of a run's log.
        path: the image to write; its suffix selects the format.
        scores: names of the validation scores to draw.
        loss_unit: unit of the losses.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    losses, validations = figure.subplots(1, 2)
    for key, label in (("loss", "training"), ("validation_loss", "validation")):
        points = [(line["step"], line[key]) for line in log if key in line]
        if points:
            losses.plot(*zip(*points, strict=True), label=label, marker="o" if key != "loss" else None, markersize=3)
    losses.set(xlabel="step", ylabel=f"loss ({loss_unit})", title="Loss")
    for key in scores:
        points = [(line["step"], line[key]) for line in log if key in line]
        if points:
            validations.plot(*zip(*points, strict=True), label=key, marker="o", markersize=3)
    validations.set(xlabel="step", title="Validation scores")
    for axes in (losses, validations):
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend()
    with atomic_file(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=110)
