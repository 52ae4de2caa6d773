"""Several training runs in one picture: python -m seetell.training.compared_runs RUN … --output FILE.

The loss of training batches and a score of validations over the steps, or over the minutes that each run took.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seetell.atomic_write import atomic_file
from seetell.errors import UsageError
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import read_log

SMOOTHED = 5
"""Logged losses that a point of the curve is the mean of."""


def curve(log: Sequence[dict[str, Any]], key: str, *, minutes: bool) -> tuple[list[float], list[float]]:
    """Return a value of a log over its steps, or over minutes.

    Args:
        log: the lines.
        key: of the value.
        minutes: count the time of training steps, by the pace that is logged, instead of steps.
    """
    places, values, pace = [], [], 0.0
    for line in log:
        pace = line.get("seconds_per_step", pace)
        if key in line:
            places.append((line["step"] + 1) * (pace / 60 if minutes else 1))
            values.append(float(line[key]))
    return places, values


def draw_runs(runs: Sequence[Path], output: Path, *, score: str, minutes: bool = False) -> dict[str, float]:
    """Draw runs.

    Args:
        runs: their folders, whose names label the curves.
        output: the picture; its suffix selects the format.
        score: a value of validations, such as ``top_1``.
        minutes: draw over minutes of training instead of steps.

    Returns:
        The last score of each run.

    Raises:
        UsageError: a run has no such score.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(1, 2)
    last = {}
    for run in runs:
        log = read_log(RunFolder(run).log)
        places, values = curve(log, score, minutes=minutes)
        if not values:
            raise UsageError(f"{run}: no {score} in its log; has it validated?")
        last[run.name] = values[-1]
        (line,) = scores.plot(places, values, label=run.name, marker=".")
        places, values = curve(log, "loss", minutes=minutes)
        means = [sum(values[max(0, at - SMOOTHED + 1) : at + 1]) / min(SMOOTHED, at + 1) for at in range(len(values))]
        losses.plot(places, means, label=run.name, color=line.get_color())
    unit = "minutes" if minutes else "step"
    losses.set(xlabel=unit, title="Loss of training batches")
    scores.set(xlabel=unit, title=f"{score} of validations")
    for axes in (losses, scores):
        axes.grid(alpha=0.3)
    scores.legend(fontsize="small")
    with atomic_file(output) as file:
        figure.savefig(file, format=output.suffix[1:], dpi=110)
    return last


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the runs that the command line names, and print their last scores."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m seetell.training.compared_runs")
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folder of a training run")
    parser.add_argument("--output", type=Path, required=True, help="the picture, such as runs.png")
    parser.add_argument("--score", default="top_1", help="of validations; top_1 when absent")
    parser.add_argument("--minutes", action="store_true", help="draw over minutes of training instead of steps")
    given = parser.parse_args(arguments)
    for name, value in draw_runs(given.runs, given.output, score=given.score, minutes=given.minutes).items():
        print(f"{name}\t{value:.4f}")


if __name__ == "__main__":
    main()
