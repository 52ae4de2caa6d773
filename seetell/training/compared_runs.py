"""Several training runs side by side: python -m seetell.training.compared_runs RUN … [--output FILE].

Prints a table, best first, with what each run cost. The picture has the loss of training batches and a score of
validations over the steps, or over the minutes that each run took.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from seetell.atomic_write import atomic_file
from seetell.errors import UsageError
from seetell.program import run_program
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import read_log

SMOOTHED = 5
"""Logged losses that a point of the curve is the mean of."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555")
"""Told apart without seeing red and green (Okabe & Ito, "Color Universal Design", 2008)."""

STROKES = ("-", "--", ":")
"""Used in turn when there are more curves than colours."""


@dataclass(frozen=True)
class Compared:
    """A run that has validated.

    Attributes:
        name: of its folder.
        log: its lines.
        score: name of the values of validations that are compared, such as ``top_1``.
    """

    name: str
    log: Sequence[dict[str, Any]]
    score: str

    @property
    def last_score(self) -> float:
        """Of the last validation."""
        return self.curve(self.score)[1][-1]

    @property
    def last_loss(self) -> float:
        """Mean of the last logged losses of training batches."""
        return self.smoothed_losses()[1][-1]

    @property
    def steps(self) -> int:
        """Steps so far."""
        return int(self.log[-1]["step"]) + 1

    @property
    def cpu_minutes(self) -> float:
        """Time of the processor, of all threads and of all processes that the run was resumed in."""
        times = [0.0, *(line["cpu_seconds"] for line in self.log if "cpu_seconds" in line)]
        return float(sum(later - (earlier if later >= earlier else 0) for earlier, later in pairwise(times)) / 60)

    def curve(self, key: str, *, minutes: bool = False) -> tuple[list[float], list[float]]:
        """Return a value of the log over its steps, or over minutes.

        Args:
            key: of the value.
            minutes: count the time of training steps, by the pace that is logged, instead of steps.
        """
        places, values, pace = [], [], 0.0
        for line in self.log:
            pace = line.get("seconds_per_step", pace)
            if key in line:
                places.append((line["step"] + 1) * (pace / 60 if minutes else 1))
                values.append(float(line[key]))
        return places, values

    def smoothed_losses(self, *, minutes: bool = False) -> tuple[list[float], list[float]]:
        """Return the losses of training batches, each the mean of itself and those logged before."""
        places, values = self.curve("loss", minutes=minutes)
        windows = [values[max(0, at - SMOOTHED + 1) : at + 1] for at in range(len(values))]
        return places, [sum(window) / len(window) for window in windows]


def read_runs(folders: Sequence[Path], *, score: str) -> list[Compared]:
    """Read runs, the one with the highest score first.

    Raises:
        UsageError: a folder holds no run, or a run has no such score.
    """
    for folder in folders:
        if not RunFolder(folder).log.is_file():
            missing = (
                "no such folder" if not folder.exists() else f"no training run, it has no {RunFolder(folder).log.name}"
            )
            raise UsageError(f"{folder}: {missing}; expected what seetell train wrote as its --output")
    runs = [Compared(folder.name, read_log(RunFolder(folder).log), score) for folder in folders]
    for run, folder in zip(runs, folders, strict=True):
        if not any(score in line for line in run.log):
            others = dict.fromkeys(key for line in run.log if "loss" not in line for key in line if key != "step")
            known = f"; it has {', '.join(others)}: name one as --score" if others else "; it has not validated yet"
            raise UsageError(f"{folder}: no {score} in its log{known}")
    return sorted(runs, key=lambda run: -run.last_score)


def table(runs: Sequence[Compared]) -> str:
    """Return a Markdown table, a run a row."""
    lines = [f"| run | {runs[0].score} | training loss | steps | CPU-minutes |", "|---|---|---|---|---|"]
    for run in runs:
        cells = (run.name, f"{run.last_score:.3f}", f"{run.last_loss:.3f}", f"{run.steps:,}", f"{run.cpu_minutes:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw_runs(runs: Sequence[Compared], output: Path, *, minutes: bool = False) -> None:
    """Draw runs; the legend names them in their order.

    Args:
        runs: at least one.
        output: the picture, a PNG.
        minutes: draw over minutes of training instead of steps.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=90)
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(1, 2)
    for number, run in enumerate(runs):
        colour, stroke = COLOURS[number % len(COLOURS)], STROKES[number // len(COLOURS) % len(STROKES)]
        losses.plot(*run.smoothed_losses(minutes=minutes), color=colour, linestyle=stroke)
        label = f"{run.name}: {run.last_score:.3f}"
        scores.plot(*run.curve(run.score, minutes=minutes), color=colour, linestyle=stroke, marker=".", label=label)
    first = max(run.smoothed_losses()[1][0] for run in runs)
    losses.set_ylim(top=1.1 * first)  # a run whose loss leaps would flatten the others
    unit = "minutes of training" if minutes else "training steps"
    losses.set(xlabel=unit, ylabel="loss", title=f"Training batches (mean of {SMOOTHED} logged losses)")
    scores.set(xlabel=unit, ylabel=runs[0].score, title="Validation")
    for axes in (losses, scores):
        axes.grid(color="#dddddd")
    figure.legend(loc="outside right upper", fontsize="small")
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi="figure")
    rgb = Image.open(drawn).convert("RGB")
    picture = rgb.quantize(64, Image.Quantize.MAXCOVERAGE, kmeans=1)  # a third of the bytes, and every curve's colour
    with atomic_file(output) as file:
        picture.save(file, format="PNG", optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of the runs that the command line names, and draw them where it asks for it."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m seetell.training.compared_runs")
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folder of a training run")
    parser.add_argument("--output", type=Path, help="the picture, a PNG such as runs.png")
    parser.add_argument("--score", default="top_1", help="of validations; top_1 when absent")
    parser.add_argument("--minutes", action="store_true", help="draw over minutes of training instead of steps")
    given = parser.parse_args(arguments)
    if given.output:
        if given.output.suffix.lower() != ".png":
            raise UsageError(f"--output {given.output}: expected a name that ends in .png")
        if not given.output.absolute().parent.is_dir():
            raise UsageError(f"--output {given.output}: there is no folder {given.output.parent}; make it first")
    runs = read_runs(given.runs, score=given.score)
    if given.output:
        draw_runs(runs, given.output, minutes=given.minutes)
    print(table(runs))


if __name__ == "__main__":
    run_program(main)
